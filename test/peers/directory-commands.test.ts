import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ANSWERS } from '../../src/imap/answers.ts';
import { Dovecot } from '../support/dovecot.ts';
import { type FrontDoorOptions, frontDoor, tryLogin } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type CliResult, runCli, startPostern } from '../support/postern.ts';
import { SLAPD_BASE, SLAPD_PASSWORD, SLAPD_SERVICE, Slapd } from '../support/slapd.ts';

const USERS = 200;
/** Besides the 200: those with something odd about them, without host or group. */
const OTHERS = 6;
const NOT_YET = 'Your mailbox is not set up yet.';

const routes = [
  { when: { group: `cn=even,ou=groups,${SLAPD_BASE}`, host: 'host0.example.org' }, relay: 'new' },
  { when: { group: 'even' }, relay: 'store' },
  { when: { host: 'host1.example.org' }, relay: 'store' },
  { when: { listener: 'inside', host: '*' }, relay: 'store' },
  { refuse: NOT_YET },
];

const listeners = [
  { name: 'imaps', address: '127.0.0.1:0', tls: 'implicit' },
  { name: 'inside', address: '127.0.0.1:0', tls: 'none' },
];

describeWithPeers(['slapd', 'dovecot'], 'postern check and explain before OpenLDAP', () => {
  let slapd: Slapd;
  let dovecot: Dovecot;
  let folder: string;
  let files = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-commands-'));
    slapd = await Slapd.start({ users: USERS });
    dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD });
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await dovecot?.remove();
    await slapd?.remove();
  });

  async function configuration(options: Partial<FrontDoorOptions> = {}) {
    const config = await frontDoor({ directory: [slapd.tlsPort], dovecot, listeners, routes, ...options });
    const { upstreams } = config;
    const store = typeof upstreams === 'object' && upstreams && 'store' in upstreams ? upstreams.store : undefined;
    return { ...config, upstreams: { store, new: store } };
  }

  async function postern(args: readonly string[], options: Partial<FrontDoorOptions> = {}): Promise<CliResult> {
    files += 1;
    const file = join(folder, `postern-${files}.yaml`);
    writeFileSync(file, stringify(await configuration(options)), { mode: 0o600 });
    return runCli([...args, '--config', file]);
  }

  const counts = (stdout: string) =>
    JSON.parse(stdout).map(({ route, to, users }: Record<string, unknown>) => [route, to, users]);

  it.each(['implicit', 'starttls'] as const)('check --users counts everybody once, by route (%s)', async tls => {
    const directory = [tls === 'implicit' ? slapd.tlsPort : slapd.port];
    const { code, stdout, stderr } = await postern(['check', '--users', '--json'], { tls, directory });
    expect([code, stderr]).toEqual([0, '']);
    expect(counts(stdout)).toEqual([
      ['routes[0]', 'relay new', 50],
      ['routes[1]', 'relay store', 50],
      ['routes[2]', 'relay store', 50],
      ['routes[4]', 'refused', 50 + OTHERS],
    ]);
  });

  it('check --users counts as seen from a listener, and is readable', async () => {
    const { code, stdout } = await postern(['check', '--users', '--listener', 'inside']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/the configuration is in order/);
    expect(stdout).toMatch(/^corp +routes\[0\] +relay new +50 +u\d{3}$/m);
    expect(stdout).toMatch(/^corp +routes\[3\] +relay store +50 +u\d{3}$/m);
    expect(stdout).toMatch(new RegExp(`^corp +routes\\[4\\] +refused +${OTHERS} `, 'm'));
  });

  it('check --users says when a directory cannot be asked', async () => {
    const wrong = await postern(['check', '--users'], { ldap: { bind: { ...SLAPD_SERVICE, password: 'not it' } } });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/directory corp: .*service account.*may not bind/);
    const nobody = await postern(['check', '--users'], { directory: [1], ldap: { timeout: '2s' } });
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/directory corp: .*127\.0\.0\.1:1/);
    const inClear = await postern(['check', '--users'], { directory: [slapd.port], ldap: { timeout: '2s' } });
    expect(inClear.code).toBe(1);
    expect(`${wrong.stderr}${nobody.stderr}${inClear.stderr}`).not.toContain('not it');
  });

  it('explain tells the name, the entry, and why each route does or does not match', async () => {
    const { code, stdout } = await postern(['explain', 'U001@Example.org']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/normalise +u001@example\.org/);
    expect(stdout).toMatch(/directory +corp: uid=u001,ou=people,dc=example,dc=org/);
    expect(stdout).toMatch(/name +u001$/m);
    expect(stdout).toMatch(/host +host1\.example\.org$/m);
    expect(stdout).toMatch(/cn=staff,ou=groups,dc=example,dc=org/);
    expect(stdout).toMatch(/^Let in: relayed to upstream store$/m);
  });

  it('explain says what the running server does', async () => {
    const server = await startPostern(await configuration());
    try {
      for (const login of [
        'u000',
        'u002',
        'u001@example.org',
        'u003',
        'twin1',
        'nobody',
        'twin@example.org',
        '*',
        'u000 ',
      ]) {
        const explained = JSON.parse((await server.cli('explain', login, '--json')).stdout);
        const { answer, audit } = await tryLogin(server, login, SLAPD_PASSWORD, { port: server.port('imaps') });
        expect(explained.allowed, login).toBe(answer.startsWith('OK '));
        if (explained.allowed) {
          expect(explained.outcome).toBe(`relayed to upstream ${audit.upstream}`);
          expect(explained.user.account).toBe(audit.account);
        } else {
          expect(explained.answer).toBe(answer);
        }
      }
      const inside = { port: server.port('inside'), tls: 'none' } as const;
      expect((await tryLogin(server, 'u003', SLAPD_PASSWORD, inside)).answer).toMatch(/^OK /);
      expect(JSON.parse((await server.cli('explain', 'u003', '--json', '--listener', 'inside')).stdout)).toMatchObject({
        allowed: true,
      });
      expect((await tryLogin(server, 'u003', SLAPD_PASSWORD)).answer).toBe(`NO [CONTACTADMIN] ${NOT_YET}`);
    } finally {
      await server.remove();
    }
  });

  it('explain tells an outage from an unknown user', async () => {
    const unknown = await postern(['explain', 'nobody']);
    expect(unknown.code).toBe(1);
    expect(unknown.stdout).toContain(`NO [AUTHENTICATIONFAILED] ${ANSWERS['authentication-failed'].text}`);
    const nobody = await postern(['explain', 'u000'], { directory: [1], ldap: { timeout: '2s' } });
    expect(nobody.code).toBe(3);
    expect(nobody.stdout).toContain(`NO [UNAVAILABLE] ${ANSWERS.unavailable.text}`);
  });
});
