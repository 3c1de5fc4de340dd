import { afterEach, describe, expect, it } from 'vitest';
import { openAdDirectory } from '../../src/auth/ad/directory.ts';
import type { SrvRecord } from '../../src/auth/ad/discovery.ts';
import type { Directory } from '../../src/auth/directory.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { adConfig } from '../support/ad-config.ts';
import type { LdapRequestOf } from '../support/ldap-answers.ts';
import { silentLog } from '../support/ldap-config.ts';
import { LdapServer, type LdapServerHandler, type LdapServerReply } from '../support/ldap-server.ts';
import { SAMBA_SERVICE } from '../support/samba.ts';

const never = new AbortController().signal;
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Search = LdapRequestOf<'search'>;
type Attributes = Readonly<Record<string, readonly (string | Buffer)[]>>;

/** S-1-5-21-7-NUMBER. */
function sid(number: number): Buffer {
  const bytes = Buffer.alloc(8 + 12);
  bytes.set([1, 3, 0, 0, 0, 0, 0, 5]);
  for (const [index, part] of [21, 7, number].entries()) bytes.writeUInt32LE(part, 8 + 4 * index);
  return bytes;
}

const USER: Attributes = {
  objectGUID: [Buffer.alloc(16, 1)],
  sAMAccountName: ['alice'],
  objectSid: [sid(1000)],
  primaryGroupID: ['513'],
};

interface Forest {
  readonly user?: Attributes;
  readonly token?: readonly Buffer[];
  /** DN by the last part of the SID. */
  readonly groups?: Readonly<Record<string, string>>;
  /** DN, NetBIOS name and DNS name. */
  readonly domains?: readonly (readonly [string, string, string])[];
  /** True = dealt with. */
  readonly odd?: (request: Search, reply: LdapServerReply) => boolean;
}

const HOME = ['DC=ad,DC=test', 'ADTEST', 'ad.test'] as const;

/** As much of a domain controller as the code asks. */
function domainController(forest: Forest): LdapServerHandler {
  const {
    user = USER,
    token = [sid(513)],
    groups = { 513: 'CN=Domain Users,DC=ad,DC=test' },
    domains = [HOME],
  } = forest;
  return (request, reply) => {
    const { id } = request;
    if (request.kind === 'bind') {
      reply.bind(id, [SAMBA_SERVICE.password, 'secret'].includes(request.password) ? 0 : 49);
      return;
    }
    if (request.kind !== 'search') return;
    if (forest.odd?.(request, reply)) return;
    const { base, scope, filter, attributes } = request;
    if (base === '' && scope === 0)
      reply.entry(id, '', { configurationNamingContext: ['CN=Configuration,DC=ad,DC=test'] });
    else if (base.startsWith('CN=Partitions')) {
      for (const [nCName, nETBIOSName, dnsRoot] of domains) {
        reply.entry(id, `CN=${nETBIOSName},${base}`, {
          nCName: [nCName],
          nETBIOSName: [nETBIOSName],
          dnsRoot: [dnsRoot],
        });
      }
    } else if (attributes.includes('tokenGroups')) reply.entry(id, base, { tokenGroups: token });
    else if (filter.includes('objectsid=')) {
      for (const [, number = ''] of filter.matchAll(/objectsid=S-1-5-21-7-(\d+)/g)) {
        const dn = groups[number];
        if (dn !== undefined) reply.entry(id, dn, { objectSid: [sid(Number(number))] });
      }
    } else if (/samaccountname=alice\)/.test(filter)) reply.entry(id, 'CN=alice,DC=ad,DC=test', user);
    reply.done(id);
  };
}

async function serve(forest: Forest): Promise<LdapServer> {
  const server = await LdapServer.start({ handler: domainController(forest) });
  cleanups.push(() => server.stop());
  return server;
}

async function open(
  keys: Readonly<Record<string, unknown>>,
  options: Partial<Parameters<typeof openAdDirectory>[2]> = {},
): Promise<Directory> {
  const config = await adConfig({ tls: 'none', ca: undefined, server_name: undefined, timeout: '1s', ...keys });
  const directory = openAdDirectory('corp', config, { log: silentLog, ...options });
  cleanups.push(() => directory.close());
  return directory;
}

const at = (...servers: readonly LdapServer[]) => ({ servers: servers.map(({ port }) => `127.0.0.1:${port}`) });
const searches = ({ requests }: LdapServer) =>
  requests.flatMap(request => (request.kind === 'search' ? [request] : []));
const groupsOf = async (directory: Directory) => (await directory.lookup(loginName('alice'), never))?.groups;

describe('groups of Active Directory', () => {
  it('in parts are read to the end, however large the server makes them', async () => {
    const all = Array.from({ length: 1601 }, (_, index) => `CN=g${index},DC=ad,DC=test`);
    const server = await serve({
      user: { ...USER, memberOf: [], 'memberOf;range=0-1499': all.slice(0, 1500) },
      odd({ id, base, attributes }, reply) {
        const from = Number(/^memberof;range=(\d+)-\*$/i.exec(attributes[0] ?? '')?.[1]);
        if (Number.isNaN(from)) return false;
        // Smaller parts than before, and the last one named so.
        const end = Math.min(from + 60, all.length);
        const range = `memberOf;range=${from}-${end === all.length ? '*' : end - 1}`;
        reply.entry(id, base, { [range]: all.slice(from, end) });
        reply.done(id);
        return true;
      },
    });
    const groups = await groupsOf(await open(at(server)));
    expect(groups).toEqual([...all, 'CN=Domain Users,DC=ad,DC=test']);
    expect(searches(server).flatMap(({ attributes }) => attributes.filter(name => name.includes('range=')))).toEqual([
      'memberOf;range=1500-*',
      'memberOf;range=1560-*',
    ]);
  });

  it('that never end, or cannot be read, refuse the login instead of choosing another route', async () => {
    const endless = await serve({
      user: { ...USER, 'memberOf;range=0-0': ['CN=g,DC=ad,DC=test'] },
      odd({ id, base, attributes: [name = ''] }, reply) {
        const from = /^memberof;range=(\d+)-\*$/i.exec(name)?.[1];
        if (from !== undefined) reply.entry(id, base, { [`memberOf;range=${from}-${from}`]: ['CN=g,DC=ad,DC=test'] });
        if (from !== undefined) reply.done(id);
        return from !== undefined;
      },
    });
    expect(await kindOf(groupsOf(await open(at(endless))))).toBe('misconfigured');
    const hidden = await serve({ token: [] });
    await expect(groupsOf(await open(at(hidden)))).rejects.toThrow('Windows Authorization Access Group');
    const garbage = await serve({ token: [Buffer.from('no sid')] });
    expect(await kindOf(groupsOf(await open(at(garbage))))).toBe('misconfigured');
  });

  it('are named once, until the ttl is over; what has no name here stays a SID', async () => {
    let time = 1000;
    const many = Array.from({ length: 120 }, (_, index) => 2000 + index);
    const groups = {
      513: 'CN=Domain Users,DC=ad,DC=test',
      ...Object.fromEntries(many.map(n => [n, `CN=g${n},DC=ad,DC=test`])),
    };
    const server = await serve({ token: [sid(513), sid(99), ...many.map(sid)], groups });
    const directory = await open({ ...at(server), users: { groups_ttl: '5m' } }, { now: () => time });
    const named = () => searches(server).filter(({ filter }) => filter.includes('objectsid=')).length;
    const found = await groupsOf(directory);
    expect(found).toHaveLength(122);
    expect(found).toContain('S-1-5-21-7-99');
    expect(named()).toBe(3);
    time = 300_000;
    expect(await groupsOf(directory)).toEqual(found);
    expect(named()).toBe(3);
    time = 302_000;
    expect(await groupsOf(directory)).toEqual(found);
    expect(named()).toBe(6);
  });

  it('by the chain hold those of the primary group, which are asked for once', async () => {
    const server = await serve({
      odd({ id, filter }, reply) {
        const of = /1\.2\.840\.113556\.1\.4\.1941:=CN=([^,]*)/i.exec(filter)?.[1];
        if (of === undefined) return false;
        reply.entry(id, of === 'alice' ? 'CN=far,DC=ad,DC=test' : 'CN=above,DC=ad,DC=test', {});
        reply.done(id);
        return true;
      },
    });
    const directory = await open({ ...at(server), users: { nested: 'chain' } });
    const expected = ['CN=far,DC=ad,DC=test', 'CN=Domain Users,DC=ad,DC=test', 'CN=above,DC=ad,DC=test'];
    expect(await groupsOf(directory)).toEqual(expected);
    expect(await groupsOf(directory)).toEqual(expected);
    expect(searches(server).filter(({ filter }) => filter.includes('1941'))).toHaveLength(3);
  });
});

describe('several domains', () => {
  const domains = [HOME, ['DC=sub,DC=ad,DC=test', 'SUB', 'sub.ad.test']] as const;
  const userSearches = (server: LdapServer) =>
    searches(server).flatMap(({ base, filter }) => {
      const account = /samaccountname=([^)]*)/.exec(filter)?.[1];
      return account === undefined ? [] : [`${base}: ${account}`];
    });

  it('in a global catalog: a login with a domain is searched there only', async () => {
    const server = await serve({ domains });
    const directory = await open({ ...at(server), users: { base: '', nested: 'off' } });
    for (const login of ['SUB\\alice', 'alice@ad.test', 'alice', 'alice@mail.example', 'NONE\\alice']) {
      await directory.lookup(loginName(login), never);
    }
    expect(userSearches(server)).toEqual([
      'DC=sub,DC=ad,DC=test: alice',
      'DC=ad,DC=test: alice',
      ': alice',
      ': alice@mail.example',
    ]);
  });

  it("in a directory each: another domain's login is nobody here", async () => {
    const server = await serve({ domains });
    const directory = await open(at(server));
    expect(await kindOf(directory.authenticate(loginName('SUB\\alice'), 'secret', never))).toBe('unknown-user');
    expect(await kindOf(directory.authenticate(loginName('alice@sub.ad.test'), 'secret', never))).toBe('unknown-user');
    expect(await kindOf(directory.authenticate(loginName('ADTEST\\alice'), 'secret', never))).toBe('no error');
  });

  it('the base tells the domain where the forest cannot be read', async () => {
    const server = await serve({ domains: [] });
    const directory = await open({ ...at(server), domain: undefined, users: { base: 'OU=Staff, DC=AD, DC=test' } });
    expect(await directory.lookup(loginName('alice@ad.test'), never)).toMatchObject({ name: 'alice' });
    expect(await directory.lookup(loginName('alice@sub.ad.test'), never)).toBeUndefined();
  });
});

describe('domain controllers found by DNS', () => {
  const srv = ({ port }: LdapServer, priority: number): SrvRecord => ({ name: '127.0.0.1', port, priority, weight: 0 });

  it('fail over, come back, and give way to others', async () => {
    const [first, second, third] = [await serve({}), await serve({}), await serve({})];
    let records = [srv(first, 0), srv(second, 1)];
    let time = 0;
    const directory = await open(
      { servers: { domain: 'ad.test' }, retry: '50ms', allow_plaintext: true },
      { resolve: async () => records, now: () => time },
    );
    const servedBy = async () => {
      const proofs = () =>
        [first, second, third].map(({ binds }) => binds.filter(bind => bind.endsWith(' secret')).length);
      const before = proofs();
      await directory.authenticate(loginName('alice'), 'secret', never);
      return proofs().findIndex((proven, index) => proven > (before[index] ?? 0));
    };
    expect(await servedBy()).toBe(0);
    const { handler } = first;
    first.handler = (_, { socket }) => socket.destroy();
    first.dropAll();
    expect(await servedBy()).toBe(1);
    first.handler = handler;
    await expect.poll(() => directory.servers()[0]?.state).toBe('up');
    expect(await servedBy()).toBe(0);

    records = [srv(third, 0)];
    time = 600_000;
    await servedBy();
    await expect.poll(servedBy).toBe(2);
    expect(directory.servers()).toEqual([{ server: `127.0.0.1:${third.port}`, state: 'up' }]);
    await expect.poll(() => first.open + second.open).toBe(0);
  });

  it('that cannot be found are an outage', async () => {
    const directory = await open(
      { servers: { domain: 'ad.test' }, allow_plaintext: true },
      { resolve: () => Promise.reject(new Error('queryA ETIMEOUT')) },
    );
    expect(await kindOf(directory.authenticate(loginName('alice'), 'secret', never))).toBe('unavailable');
  });
});
