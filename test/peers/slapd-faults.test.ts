import { afterEach, expect, it } from 'vitest';
import type { Directory } from '../../src/auth/directory.ts';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { type LdapConfigChoices, ldapConfig, silentLog } from '../support/ldap-config.ts';
import { describeWithPeers } from '../support/peers.ts';
import { until } from '../support/processes.ts';
import { RecordingProxy } from '../support/recording-proxy.ts';
import { SLAPD_SERVICE, SLAPD_USERS, Slapd } from '../support/slapd.ts';
import { testCa } from '../support/test-ca.ts';

const TIMEOUT = 600;
const never = new AbortController().signal;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function servers(count: number): Promise<Slapd[]> {
  const started = await Promise.all(Array.from({ length: count }, () => Slapd.start({ users: 3 })));
  for (const slapd of started) cleanups.push(() => slapd.remove());
  return started;
}

async function open(ports: readonly number[], choices: Partial<LdapConfigChoices>): Promise<Directory> {
  const config = await ldapConfig({ servers: ports, timeout: TIMEOUT, retry: 100, ...choices });
  const directory = openLdapDirectory('corp', config, { log: silentLog });
  cleanups.push(() => directory.close());
  return directory;
}

const login = (directory: Directory, text = 'u000', password = 'secret') =>
  kindOf(directory.authenticate(loginName(text), password, never));

const states = (directory: Directory) => directory.servers().map(({ state }) => state);

/** How it ends, which must be in time: once through the time-out, with room for a busy machine. */
async function inTime(directory: Directory): Promise<string> {
  const before = performance.now();
  const kind = await login(directory);
  expect(performance.now() - before).toBeLessThan(TIMEOUT + 1500);
  return kind;
}

for (const tls of ['implicit', 'starttls'] as const) {
  const portOf = (slapd: Slapd) => (tls === 'implicit' ? slapd.tlsPort : slapd.port);

  describeWithPeers(['slapd'], `one OpenLDAP server that fails, ${tls} TLS`, () => {
    const start = async () => {
      const [slapd] = await servers(1);
      if (!slapd) throw new Error('no server');
      const directory = await open([portOf(slapd)], { tls });
      expect(await login(directory)).toBe('no error');
      return { slapd, directory };
    };

    it('frozen: logins fail in time, and succeed once it goes on', async () => {
      const { slapd, directory } = await start();
      slapd.freeze();
      expect(await inTime(directory)).toBe('unavailable');
      expect(await Promise.all(Array.from({ length: 30 }, () => inTime(directory)))).toEqual(
        Array.from({ length: 30 }, () => 'unavailable'),
      );
      expect(states(directory)).toEqual(['down']);
      slapd.thaw();
      await until('it is back', () => states(directory)[0] === 'up');
      expect(await login(directory)).toBe('no error');
      expect(await login(directory, 'u000', 'wrong')).toBe('bad-password');
    });

    it('killed and started again: the same', async () => {
      const { slapd, directory } = await start();
      await slapd.kill();
      expect(await inTime(directory)).toBe('unavailable');
      await slapd.start();
      await until('it is back', () => states(directory)[0] === 'up');
      expect(await login(directory)).toBe('no error');
    });

    it('restarted while nobody asks: nobody notices', async () => {
      const { slapd, directory } = await start();
      for (let round = 0; round < 3; round += 1) {
        await slapd.restart();
        expect(await login(directory)).toBe('no error');
      }
      expect(states(directory)).toEqual(['up']);
    });

    it('with its certificate replaced by one nobody trusts: refused, and trusted again when renewed', async () => {
      const { slapd, directory } = await start();
      const ca = await testCa();
      for (const fault of [ca.rogue, ca.wrongHost, ca.expired]) {
        await slapd.restart(fault);
        expect(await inTime(directory)).toBe('untrusted');
        expect(await inTime(directory)).toBe('untrusted');
        await slapd.restart(ca.renewed);
        await until('it is back', () => states(directory)[0] === 'up');
        expect(await login(directory)).toBe('no error');
      }
    });
  });

  describeWithPeers(['slapd'], `two OpenLDAP servers, ${tls} TLS`, () => {
    it.each(['frozen', 'killed', 'stopped'] as const)(
      'the first %s: the second takes over, and the first is returned to',
      async way => {
        const [one, two] = await servers(2);
        if (!one || !two) throw new Error('no servers');
        const proxy = await RecordingProxy.start({ port: portOf(two) });
        cleanups.push(() => proxy.stop());
        const directory = await open([portOf(one), proxy.port], { tls });
        expect(await login(directory)).toBe('no error');
        expect(proxy.connections).toBe(0);
        if (way === 'frozen') one.freeze();
        else if (way === 'killed') await one.kill();
        else await one.stop();
        const crowd = Array.from({ length: 20 }, () => login(directory));
        expect(await Promise.all(crowd)).toEqual(crowd.map(() => 'no error'));
        expect(states(directory)).toEqual(['down', 'up']);
        if (way === 'frozen') one.thaw();
        else await one.start();
        await until('the first is back', () => states(directory)[0] === 'up');
        // What the second still had in hand (the crowd's last rebinds) is let through first.
        let asked = -1;
        await until('the second is quiet', async () => {
          const before = proxy.sent.length;
          await new Promise(resolve => setTimeout(resolve, 250));
          asked = proxy.sent.length;
          return asked === before;
        });
        expect(await login(directory)).toBe('no error');
        expect(proxy.sent.length).toBe(asked);
      },
    );
  });
}

describeWithPeers(['slapd'], 'an OpenLDAP server behind a bad line', () => {
  it('gets no password in clear, wherever the line breaks', async () => {
    const [slapd] = await servers(1);
    if (!slapd) throw new Error('no server');
    const proxy = await RecordingProxy.start({ port: slapd.port });
    cleanups.push(() => proxy.stop());
    const directory = await open([proxy.port], { tls: 'starttls', timeout: 3000 });
    for (const bytes of [1, 10, 40, 200, 500, 900, 1100, 1300, 1500, 1800]) {
      proxy.cutAfterAnswer(bytes);
      expect(['unavailable', 'no error']).toContain(await login(directory));
      proxy.cut();
    }
    proxy.cutAfterAnswer(Number.POSITIVE_INFINITY);
    for (let round = 0; round < 3; round += 1) {
      expect(await login(directory)).toBe('no error');
      proxy.cut();
    }
    for (const secret of ['secret', SLAPD_SERVICE.password, SLAPD_USERS]) {
      expect(proxy.sent.includes(secret)).toBe(false);
    }
  });
});

describeWithPeers(['slapd'], 'an OpenLDAP server that is not configured as we are', () => {
  it('says what is wrong', async () => {
    const [slapd] = await servers(1);
    if (!slapd) throw new Error('no server');
    const say = async (choices: Partial<LdapConfigChoices>) => {
      const directory = await open([slapd.port], choices);
      return directory.authenticate(loginName('u000'), 'secret', never).then(
        () => 'no error',
        error => `${error.kind}: ${error.message}`,
      );
    };
    expect(await say({ bind: { dn: SLAPD_SERVICE.dn, password: 'not it' } })).toMatch(
      /^misconfigured: the service account cn=postern,ou=services,dc=example,dc=org may not bind .*result 49/,
    );
    expect(await say({ base: 'ou=nowhere,dc=example,dc=org' })).toMatch(/^misconfigured: .*check users\.base/);
    expect(await say({ attributes: { id: 'employeeNumber' } })).toMatch(/^misconfigured: .* has no employeeNumber/);
    expect(await say({ bind: null })).toMatch(/^(unknown-user|misconfigured): /);
    // This server speaks TLS on another port.
    expect(await say({ tls: 'implicit' })).toMatch(/^unavailable: /);
  });
});
