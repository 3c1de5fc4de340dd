import { execFile } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { encodeScramVerifier, newScramVerifier } from '../../src/auth/scram-verifier.ts';
import { ImapClient } from '../support/imap-client.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type LogLine, type RunningPostern, startPostern } from '../support/postern.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';
import { testCa } from '../support/test-ca.ts';

const SCRAM = ['SCRAM-SHA-256', 'SCRAM-SHA-1'];
const BOTH = SCRAM.flatMap(name => [`${name}-PLUS`, name]);

describeWithPeers(['gsasl', 'openssl'], 'gsasl and SCRAM', () => {
  let postern: RunningPostern;
  let authority: string;
  let verifiers: readonly string[];

  beforeAll(async () => {
    authority = (await testCa()).file;
    verifiers = await Promise.all(
      (['sha256', 'sha1'] as const).map(async hash => encodeScramVerifier(await newScramVerifier('secret', hash))),
    );
    const { users } = parse(usersFile([ALICE, { login: 'bob', password: 'secret' }]));
    const config = await staticDoor({
      routes: [{ mounts: [{ prefix: '', store: 'local' }] }],
      authentication: { mechanisms: [...BOTH, 'PLAIN'] },
    });
    const file = stringify({ users: [{ ...users[0], scram: verifiers }, users[1]] });
    postern = await startPostern(config, { files: { 'users.yaml': file } });
  });
  afterAll(() => postern?.remove());

  async function gsasl(mechanism: string, user: string, password: string, ...more: readonly string[]) {
    const from = postern.log.length;
    const args = ['--imap', `--connect=localhost:${postern.port('starttls')}`, `--x509-ca-file=${authority}`];
    args.push(`--mechanism=${mechanism}`, `--authentication-id=${user}`, `--password=${password}`);
    const { code, output } = await new Promise<{ code: number; output: string }>(resolve => {
      const child = execFile('gsasl', [...args, ...more], { timeout: 20_000 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, output: stdout + stderr });
      });
      child.stdin?.end();
    });
    const audit: LogLine = await postern.waitForLog(line => line.audit === 'login', { from });
    return { code, output, audit };
  }

  it.each(SCRAM)('logs in with %s', async mechanism => {
    const { code, output, audit } = await gsasl(mechanism, 'alice', 'secret', '--no-cb');
    expect(audit).toMatchObject({ outcome: 'ok', mechanism, login: 'alice', proof: 'directory' });
    expect(output).toMatch(/OK \[CAPABILITY/);
    expect(code).toBe(0);
  });

  it.each([
    ['SCRAM-SHA-256-PLUS', []],
    ['SCRAM-SHA-1-PLUS', []],
    ['SCRAM-SHA-256-PLUS', ['--priority=NORMAL:-VERS-TLS1.3']],
  ])('logs in with %s %j', async (mechanism, more) => {
    const { code, output, audit } = await gsasl(mechanism, 'alice', 'secret', ...more);
    expect(audit, output).toMatchObject({ outcome: 'ok', mechanism, login: 'alice' });
    expect(code).toBe(0);
  });

  it.each([
    ['a wrong password', 'alice', 'wrong', 'bad-password'],
    ['nobody', 'nobody', 'secret', 'unknown-user'],
    ['whoever has no verifier', 'bob', 'secret', 'bad-password'],
  ])('refuses %s', async (_title, user, password, outcome) => {
    const { code, output, audit } = await gsasl('SCRAM-SHA-256', user, password, '--no-cb');
    expect(code).not.toBe(0);
    expect(audit).toMatchObject({ outcome, mechanism: 'SCRAM-SHA-256' });
    expect(output).toMatch(/NO \[AUTHENTICATIONFAILED\]/);
  });

  it('challenges those it does not know like those it knows, and alike each time', async () => {
    const salts: string[] = [];
    for (const name of ['alice', 'nobody', 'nobody', 'bob']) {
      const client = await ImapClient.connect({ port: postern.port('none'), tls: 'none', timeout: 20_000 });
      const first = Buffer.from(`n,,n=${name},r=abc`).toString('base64');
      const from = postern.log.length;
      await client.send(`a AUTHENTICATE SCRAM-SHA-256 ${first}`);
      const challenge = Buffer.from((await client.readLine()).replace(/^\+ /, ''), 'base64').toString();
      const [, salt = ''] = /^r=abc[^,]{24},s=([^,]{24}),i=4096$/.exec(challenge) ?? [];
      expect(salt, `${name}: ${challenge}`).not.toBe('');
      salts.push(salt);
      await client.send('*');
      expect(await client.readLine()).toMatch(/^a BAD AUTHENTICATE cancelled/);
      expect(await postern.waitForLog(line => line.audit === 'login', { from })).toMatchObject({ outcome: 'aborted' });
      client.close();
    }
    expect(salts[1]).toBe(salts[2]);
    expect(new Set(salts).size).toBe(3);
  });

  it('offers -PLUS under TLS alone', async () => {
    const client = await ImapClient.connect({ port: postern.port('none'), tls: 'none', timeout: 20_000 });
    expect(client.greeting).toContain('AUTH=SCRAM-SHA-256 ');
    expect(client.greeting).not.toContain('-PLUS');
    client.close();
  });

  it('leaves nothing of it in the log', () => {
    const lines = JSON.stringify(postern.log);
    for (const text of verifiers) {
      for (const part of text.split(/[$:]/).slice(2)) expect(lines).not.toContain(part);
    }
  });
});
