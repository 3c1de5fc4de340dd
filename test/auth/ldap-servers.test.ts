import { afterEach, describe, expect, it } from 'vitest';
import type { Directory } from '../../src/auth/directory.ts';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { type LdapOddities, ldapAnswers } from '../support/ldap-answers.ts';
import { type LdapConfigChoices, ldapConfig, silentLog } from '../support/ldap-config.ts';
import { LdapServer } from '../support/ldap-server.ts';
import { until } from '../support/processes.ts';
import { SLAPD_SERVICE } from '../support/slapd.ts';
import { type TestCertificate, testCa } from '../support/test-ca.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(odd: LdapOddities = {}, certificate?: TestCertificate): Promise<LdapServer> {
  const server = await LdapServer.start({
    handler: ldapAnswers(odd),
    certificate: certificate ?? (await testCa()).good,
    implicit: certificate !== undefined,
  });
  cleanups.push(() => server.stop());
  return server;
}

async function open(servers: readonly LdapServer[], choices: Partial<LdapConfigChoices> = {}) {
  const changes: string[] = [];
  const config = await ldapConfig({ servers: servers.map(({ port }) => port), timeout: 500, retry: 60, ...choices });
  const directory = openLdapDirectory('corp', config, {
    log: silentLog,
    onServerChange: (server, up) => {
      const index = servers.findIndex(({ port }) => server.endsWith(`:${port}`));
      changes.push(`${index + 1} ${up ? 'up' : 'down'}`);
    },
  });
  cleanups.push(() => directory.close());
  return { directory, changes, states: () => directory.servers().map(({ state }) => state) };
}

const never = new AbortController().signal;
const login = (directory: Directory, uid = 'u1', password = 'secret') =>
  kindOf(directory.authenticate(loginName(uid), password, never));

describe('two servers', () => {
  it('of which the first does the work', async () => {
    const [one, two] = [await serve(), await serve()];
    const { directory, states } = await open([one, two]);
    expect(states()).toEqual(['unknown', 'unknown']);
    expect(await login(directory)).toBe('no error');
    expect([one.connections, two.connections]).toEqual([2, 0]);
    expect(states()).toEqual(['up', 'unknown']);
  });

  it('stand in for each other, and the first is returned to by itself', async () => {
    let silent = true;
    const one = await serve({ serviceBind: () => silent });
    const two = await serve();
    const { directory, changes, states } = await open([one, two]);
    expect(await login(directory)).toBe('no error');
    expect(states()).toEqual(['down', 'up']);
    expect(directory.servers()[0]?.reason).toContain('did not answer in time');
    const before = performance.now();
    expect(await login(directory)).toBe('no error');
    // The dead one is passed over: no time-out is waited for.
    expect(performance.now() - before).toBeLessThan(400);
    silent = false;
    await until('the first is back', () => states()[0] === 'up');
    const searches = two.requests.length;
    expect(await login(directory)).toBe('no error');
    expect(two.requests.length).toBe(searches);
    expect(changes).toEqual(['1 down', '1 up']);
  });

  it('are judged by an anonymous question when there is no service account', async () => {
    let silent = true;
    const one = await serve({ search: () => silent });
    const two = await serve();
    const { directory, states } = await open([one, two], { bind: null, timeout: 150 });
    expect(await login(directory)).toBe('no error');
    await new Promise(resolve => setTimeout(resolve, 400));
    expect(states()).toEqual(['down', 'up']);
    silent = false;
    await until('the first is back', () => states()[0] === 'up');
    expect(one.requests.at(-1)).toMatchObject({ kind: 'search', base: '', scope: 0 });
  });

  it('are both tried when both were dead', async () => {
    let code = 52;
    const one = await serve({ serviceBind: ({ id }, { bind }) => code !== 0 && bind(id, code) === undefined });
    const two = await serve({ serviceBind: ({ id }, { bind }) => bind(id, 51) === undefined });
    const { directory, states } = await open([one, two], { retry: 60_000 });
    expect(await login(directory)).toBe('unavailable');
    expect(states()).toEqual(['down', 'down']);
    code = 0;
    expect(await login(directory)).toBe('no error');
    expect(states()).toEqual(['up', 'down']);
  });

  it('of which the last alive fails: the dead one is the last resort', async () => {
    let [first, second] = [false, true];
    const one = await serve({ search: ({ id }, { done }) => !first && done(id, 52) === undefined });
    const two = await serve({ search: ({ id }, { done }) => !second && done(id, 52) === undefined });
    const { directory, states } = await open([one, two], { retry: 60_000 });
    expect(await login(directory)).toBe('no error');
    expect(states()).toEqual(['down', 'up']);
    [first, second] = [true, false];
    expect(await login(directory)).toBe('no error');
    expect(states()).toEqual(['up', 'down']);
  });

  it('of which one refuses the service account: the other answers; both: it is said', async () => {
    let refused = false;
    const one = await serve({ serviceBind: ({ id }, { bind }) => bind(id, 49) === undefined });
    const two = await serve({ serviceBind: ({ id }, { bind }) => refused && bind(id, 49) === undefined });
    const { directory } = await open([one, two], { retry: 60_000 });
    expect(await login(directory)).toBe('no error');
    refused = true;
    two.dropAll();
    const answer = directory.authenticate(loginName('u1'), 'secret', never);
    await expect(answer).rejects.toMatchObject({ kind: 'misconfigured' });
    await expect(answer).rejects.toThrow(SLAPD_SERVICE.dn);
    await expect(answer).rejects.not.toThrow(SLAPD_SERVICE.password);
  });

  it('agree on a wrong password: the second is not asked', async () => {
    const [one, two] = [await serve(), await serve()];
    const { directory, states } = await open([one, two]);
    expect(await login(directory, 'u1', 'wrong')).toBe('bad-password');
    expect(await login(directory, 'nobody')).toBe('unknown-user');
    expect(two.connections).toBe(0);
    expect(states()).toEqual(['up', 'unknown']);
  });

  it('serve a crowd while the first falls silent', async () => {
    let silent = false;
    const one = await serve({ search: () => silent, userBind: () => silent, serviceBind: () => silent });
    const two = await serve();
    const { directory } = await open([one, two], { pool: 2, retry: 60_000 });
    expect(await login(directory)).toBe('no error');
    silent = true;
    const before = performance.now();
    const crowd = await Promise.all(Array.from({ length: 50 }, (_, index) => login(directory, `u${index}`)));
    expect(crowd).toEqual(crowd.map(() => 'no error'));
    expect(performance.now() - before).toBeLessThan(1500);
  });
});

describe('a server that cannot be verified', () => {
  const faults = ['rogue', 'expired', 'wrongHost'] as const;

  it.each(faults)('(%s) is no outage, and gets no password', async fault => {
    const ca = await testCa();
    const server = await serve({}, ca[fault]);
    const { directory } = await open([server], { tls: 'implicit' });
    for (let round = 0; round < 3; round += 1) expect(await login(directory)).toBe('untrusted');
    expect(directory.servers()).toMatchObject([{ state: 'down' }]);
    expect(server.requests).toEqual([]);
  });

  it.each(faults)('(%s) after StartTLS gets none either', async fault => {
    const server = await LdapServer.start({ handler: ldapAnswers(), certificate: (await testCa())[fault] });
    cleanups.push(() => server.stop());
    const { directory } = await open([server], { tls: 'starttls' });
    for (let round = 0; round < 3; round += 1) expect(await login(directory)).toBe('untrusted');
    expect(server.requests.map(({ kind }) => kind)).toEqual(server.requests.map(() => 'extended'));
  });

  it('stands back for another; when that is merely dead, it still is no outage', async () => {
    const ca = await testCa();
    const [rogue, good] = [await serve({}, ca.rogue), await serve({}, ca.good)];
    const { directory, changes } = await open([rogue, good], { tls: 'implicit', retry: 60_000 });
    expect(await login(directory)).toBe('no error');
    expect(changes).toEqual(['1 down']);
    await good.stop();
    cleanups.splice(cleanups.length - 2, 1);
    expect(await login(directory)).toBe('untrusted');
  });

  it('is trusted by name, address and server_name', async () => {
    const ca = await testCa();
    const server = await serve({}, ca.good);
    for (const host of ['localhost', '127.0.0.1']) {
      const { directory } = await open([server], { tls: 'implicit', host });
      expect(await login(directory)).toBe('no error');
    }
    const elsewhere = await serve({}, ca.wrongHost);
    const config = await ldapConfig({ servers: [elsewhere.port], tls: 'implicit' });
    const named = openLdapDirectory('corp', { ...config, server_name: 'somewhere.else.test' }, { log: silentLog });
    cleanups.push(() => named.close());
    expect(await login(named)).toBe('no error');
  });
});

describe('closing', () => {
  it('lets those who are being answered have their answer, and unbinds', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<() => void>();
    const server = await serve({
      userBind({ id }, { bind }) {
        ask(() => bind(id, 0));
        return true;
      },
    });
    const { directory } = await open([server], { timeout: 5000 });
    const answer = login(directory);
    const goOn = await asked;
    let ended = false;
    const closed = directory.close().then(() => {
      ended = true;
    });
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(ended).toBe(false);
    goOn();
    expect(await answer).toBe('no error');
    await closed;
    await until('all connections are closed', () => server.open === 0);
    expect(server.requests.filter(({ kind }) => kind === 'unbind')).toHaveLength(2);
    expect(await login(directory)).toBe('unavailable');
  });

  it('does not wait for a server that does not answer longer than the time-out', async () => {
    const server = await serve({ serviceBind: () => true });
    const { directory } = await open([server], { timeout: 200 });
    const answer = login(directory);
    await until('the server is asked', () => server.requests.length > 0);
    await directory.close();
    expect(await answer).toBe('unavailable');
    await until('all connections are closed', () => server.open === 0);
  });
});
