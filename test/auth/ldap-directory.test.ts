import { afterEach, describe, expect, it } from 'vitest';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { attributesOf, dnOf, type LdapOddities, ldapAnswers } from '../support/ldap-answers.ts';
import { type LdapConfigChoices, ldapConfig, silentLog } from '../support/ldap-config.ts';
import { LdapServer, type LdapServerRequest, pagedControl } from '../support/ldap-server.ts';
import { SLAPD_SERVICE, SLAPD_USERS } from '../support/slapd.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const never = new AbortController().signal;

async function open(odd: LdapOddities = {}, choices: Partial<LdapConfigChoices> = {}) {
  const server = await LdapServer.start({ handler: ldapAnswers(odd) });
  cleanups.push(() => server.stop());
  const config = await ldapConfig({ servers: [server.port], timeout: 2000, ...choices });
  const directory = openLdapDirectory('corp', config, { log: silentLog });
  cleanups.push(() => directory.close());
  const authenticate = (login: string, password = 'secret') =>
    directory.authenticate(loginName(login), password, never);
  return { server, directory, authenticate };
}

const searches = (requests: readonly LdapServerRequest[]) =>
  requests.flatMap(request => (request.kind === 'search' ? [request] : []));

describe('searching first', () => {
  it('asks once, for chosen attributes, and binds once', async () => {
    const { server, authenticate } = await open({}, { attributes: { quota: 'mailQuota', extra: ['department'] } });
    await authenticate('u1');
    server.requests.length = 0;
    await authenticate('u1');
    expect(server.requests).toMatchObject([
      {
        kind: 'search',
        base: SLAPD_USERS,
        scope: 2,
        sizeLimit: 2,
        filter: '(&(objectclass=inetorgperson)(|(uid=u1)(mail=u1)))',
        attributes: ['entryUUID', 'uid', 'mail', 'mailHost', 'memberOf', 'department', 'mailQuota'],
      },
      { kind: 'bind', dn: dnOf('u1'), password: 'secret' },
    ]);
  });

  it('needs an id before it vouches, and the right password before it complains', async () => {
    const { authenticate } = await open({
      search({ id }, { entry, done }) {
        entry(id, dnOf('u1'), { uid: ['u1'] });
        done(id);
        return true;
      },
    });
    expect(await kindOf(authenticate('u1'))).toBe('misconfigured');
    expect(await kindOf(authenticate('u1', 'wrong'))).toBe('bad-password');
  });

  it('reads all groups of a user who has many', async () => {
    const { directory, authenticate } = await open({
      search({ id, attributes, base }, { entry, done }) {
        const range = attributes.find(name => name.startsWith('memberOf;range='));
        const part = range === undefined ? { ...attributesOf('u1'), 'memberOf;range=0-1': ['a', 'b'] } : {};
        const rest = range === 'memberOf;range=2-*' ? { 'memberOf;range=2-*': ['c'] } : {};
        entry(id, base === SLAPD_USERS ? dnOf('u1') : base, { ...part, ...rest });
        done(id);
        return true;
      },
    });
    const user = await authenticate('u1');
    expect(user.groups).toEqual(['a', 'b', 'c']);
    expect(user.answeredBy).toBe(directory.servers()[0]?.server);
    expect((await directory.lookup(loginName('u1'), never))?.groups).toEqual(['a', 'b', 'c']);
  });

  it('may search anonymously', async () => {
    const { server, authenticate } = await open({}, { bind: null });
    expect(await authenticate('u1')).toMatchObject({ name: 'u1' });
    expect(server.binds).toEqual([`${dnOf('u1')} secret`]);
  });

  it('tells a missing base from a missing user', async () => {
    const { directory, authenticate } = await open({ search: ({ id }, { done }) => done(id, 32) === undefined });
    await expect(authenticate('u1')).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining(SLAPD_USERS),
    });
    await expect(directory.lookup(loginName('u1'), never)).rejects.toMatchObject({ kind: 'misconfigured' });
  });
});

describe('binding first', () => {
  const bindAs = `uid={local},${SLAPD_USERS}`;

  it('as the user alone reads the entry as the user, on the same connection', async () => {
    const { server, authenticate } = await open({}, { bindAs, bind: null, filter: '(uid={local})' });
    expect(await authenticate('u1@example.org')).toMatchObject({ name: 'u1', id: 'id-u1' });
    expect(server.connections).toBe(1);
    expect(server.requests).toMatchObject([
      { kind: 'bind', dn: dnOf('u1') },
      { kind: 'search', base: dnOf('u1'), scope: 0, filter: '(uid=u1)' },
    ]);
    expect(await kindOf(authenticate('u1', 'wrong'))).toBe('bad-password');
    // Only the server knows whether there is such a user, and it does not tell.
    expect(await kindOf(authenticate('nobody'))).toBe('bad-password');
  });

  it('as the user alone cannot look anybody up', async () => {
    const { directory } = await open({}, { bindAs, bind: null });
    expect(await kindOf(directory.lookup(loginName('u1'), never))).toBe('misconfigured');
    expect(await kindOf(directory.list(never)[Symbol.asyncIterator]().next())).toBe('misconfigured');
  });

  it('refuses who does not match the filter, or may not read the own entry', async () => {
    const { server, authenticate } = await open(
      { search: ({ id }, { done }) => done(id) === undefined },
      { bindAs, bind: null },
    );
    expect(await kindOf(authenticate('u1'))).toBe('refused');
    server.handler = ldapAnswers({ search: ({ id }, { done }) => done(id, 32) === undefined });
    expect(await kindOf(authenticate('u1'))).toBe('refused');
  });

  it('with a service account lets that read, and only the entry that was bound', async () => {
    const { server, directory, authenticate } = await open({}, { bindAs });
    expect(await authenticate('u1')).toMatchObject({ entry: dnOf('u1') });
    expect(await directory.lookup(loginName('u1'), never)).toMatchObject({ entry: dnOf('u1') });
    for (const search of searches(server.requests)) expect(search).toMatchObject({ base: dnOf('u1'), scope: 0 });
    expect(server.binds).toEqual([`${dnOf('u1')} secret`, `${SLAPD_SERVICE.dn} ${SLAPD_SERVICE.password}`]);
  });

  it('with a service account does the same work for a wrong password and an unknown user', async () => {
    const { server, authenticate } = await open({}, { bindAs });
    const work = async (login: string, password: string) => {
      server.requests.length = 0;
      return [await kindOf(authenticate(login, password)), ...server.requests.map(({ kind }) => kind)];
    };
    await work('u1', 'wrong');
    expect(await work('u1', 'wrong')).toEqual(['bad-password', 'bind', 'search']);
    expect(await work('nobody', 'secret')).toEqual(['unknown-user', 'bind', 'search']);
  });
});

describe('listing', () => {
  /** Three pages, the second empty. */
  const pages: LdapOddities = {
    search({ id, cookie }, { entry, done, reference }) {
      if (cookie === undefined) return false;
      const [uid, next] = cookie === '' ? ['u1', 'two'] : cookie === 'two' ? [undefined, 'three'] : ['u3', ''];
      if (uid !== undefined) entry(id, dnOf(uid), attributesOf(uid));
      reference(id, 'ldap://elsewhere/');
      done(id, 0, { controls: [pagedControl(next)] });
      return true;
    },
  };

  it('goes through all pages, also an empty one, on one connection', async () => {
    const { server, directory } = await open(pages);
    const names: string[] = [];
    for await (const { name } of directory.list(never)) names.push(name);
    expect(names).toEqual(['u1', 'u3']);
    expect(searches(server.requests)).toMatchObject(
      ['', 'two', 'three'].map(cookie => ({
        cookie,
        sizeLimit: 0,
        filter: '(&(objectclass=inetorgperson)(|(uid=*)(mail=*)))',
      })),
    );
    expect(server.connections).toBe(1);
  });

  it('asks for the next page only when it is wanted', async () => {
    const { server, directory } = await open(pages);
    for await (const _ of directory.list(never)) break;
    expect(searches(server.requests)).toHaveLength(1);
  });

  it('says that it is not whole', async () => {
    const { server, directory } = await open({
      search({ id }, { entry, done }) {
        entry(id, dnOf('u1'), attributesOf('u1'));
        done(id, 4);
        return true;
      },
    });
    const all = async () => {
      for await (const user of directory.list(never)) expect(user.name).toBe('u1');
    };
    expect(await kindOf(all())).toBe('misconfigured');
    server.handler = ldapAnswers({ search: (_, { socket }) => socket.destroy().destroyed });
    expect(await kindOf(all())).toBe('unavailable');
  });

  it('stops when the signal does', async () => {
    const { directory } = await open(pages);
    const controller = new AbortController();
    const all = async () => {
      for await (const _ of directory.list(controller.signal)) controller.abort(new Error('enough'));
    };
    await expect(all()).rejects.toThrow('enough');
  });
});

it('a template that is none is refused when the directory is opened', async () => {
  const bad = async (choices: Partial<LdapConfigChoices>) => {
    const config = await ldapConfig({ servers: [1], ...choices });
    return () => openLdapDirectory('corp', config, { log: silentLog });
  };
  expect(await bad({ filter: '(uid={login}' })).toThrow(SyntaxError);
  expect(await bad({ bindAs: '{login}@example.org' })).toThrow(SyntaxError);
});
