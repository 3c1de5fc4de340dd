import { afterEach, describe, expect, it } from 'vitest';
import { attributesOf, dnOf, type LdapOddities, ldapAnswers } from '../support/ldap-answers.ts';
import { policyControl } from '../support/ldap-server.ts';
import { endStages, stage } from '../support/ldap-stage.ts';
import type { RecordingProxy } from '../support/recording-proxy.ts';
import { SLAPD_SERVICE } from '../support/slapd.ts';

/** The dangers of ldapts 9.2 that DESIGN.md §9 counts, in its order, and those found since. */

/** RFC 4511 §4.4.1, with result 52. */
const NOTICE_OF_DISCONNECTION = Buffer.concat([
  Buffer.from('3024020100781f0a0134040004008a16', 'hex'),
  Buffer.from('1.3.6.1.4.1.1466.20036'),
]);

afterEach(endStages);

/** That neither a password nor a name can be read in what went over the line. */
function expectNothingInClear({ sent }: RecordingProxy): void {
  for (const secret of ['secret', SLAPD_SERVICE.password, 'uid=', 'postern', 'example']) {
    expect(sent.includes(secret)).toBe(false);
  }
}

describe('ldapts 1: a dropped StartTLS connection', () => {
  it('is never used again, and nothing goes out in clear', async () => {
    const { server, proxy, login } = await stage({}, { tls: 'starttls' });
    expect(await login('u1')).toBe('welcome u1');
    for (const drop of [() => server.dropAll(), () => proxy.cut()]) {
      drop();
      expect(await login('u1')).toBe('welcome u1');
      expect(await login('u1', 'wrong')).toBe('bad-password');
    }
    expect(server.requests.filter(({ kind }) => kind === 'extended').length).toBe(proxy.connections);
    expectNothingInClear(proxy);
  });

  it('is no connection at all when it drops before or during the handshake', async () => {
    const { proxy, login } = await stage({}, { tls: 'starttls', retry: 50 });
    for (const bytes of [1, 5, 13, 14, 20, 100, 300, 700]) {
      proxy.cutAfterAnswer(bytes);
      expect(await login('u1')).toBe('unavailable');
    }
    expectNothingInClear(proxy);
    proxy.cutAfterAnswer(Number.POSITIVE_INFINITY);
    expect(await login('u1')).toBe('welcome u1');
    expectNothingInClear(proxy);
  });

  it('is no connection when StartTLS is refused, which is no outage unless the server says so', async () => {
    let code = 2;
    const { proxy, login } = await stage(
      {
        extended({ id }, reply) {
          reply.extended(id, code);
          return true;
        },
      },
      { tls: 'starttls' },
    );
    expect(await login('u1')).toBe('untrusted');
    code = 52;
    expect(await login('u1')).toBe('unavailable');
    expectNothingInClear(proxy);
  });

  it('is no connection when something follows the answer in clear', async () => {
    const { proxy, login } = await stage(
      {
        extended({ id }, reply) {
          reply.socket.cork();
          reply.extended(id, 0);
          reply.bind(id + 1, 0);
          reply.socket.uncork();
          return true;
        },
      },
      { tls: 'starttls' },
    );
    expect(await login('u1')).toBe('untrusted');
    expectNothingInClear(proxy);
  });
});

describe('ldapts 2: TLS begins when it is configured to', () => {
  const firstByte = async (tls: 'implicit' | 'starttls' | 'none') => {
    const { proxy, login } = await stage({}, { tls });
    expect(await login('u1')).toBe('welcome u1');
    return proxy.sent;
  };

  it('at once, after StartTLS, or not at all', async () => {
    expect((await firstByte('implicit'))[0]).toBe(0x16);
    const startTls = await firstByte('starttls');
    expect(startTls[0]).toBe(0x30);
    expect(startTls.indexOf('1.3.6.1.4.1.1466.20037')).toBeGreaterThan(0);
    expect(startTls[31]).toBe(0x16);
    expect((await firstByte('none')).includes('secret')).toBe(true);
  });
});

describe('ldapts 3: many first operations at once', () => {
  it('share connections, of which one is made at a time', async () => {
    const { server, login } = await stage({}, { tls: 'implicit', pool: 3 });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => login(`u${index}`)));
    expect(answers).toEqual(answers.map((_, index) => `welcome u${index}`));
    expect(server.connections).toBeLessThanOrEqual(6);
  });
});

describe('ldapts 4: a server that says nothing', () => {
  it('is given up in time, wherever it stops', async () => {
    let silent = 'connect';
    const { proxy, server, login } = await stage(
      {
        serviceBind: () => silent === 'service bind',
        search: () => silent === 'search',
        userBind: () => silent === 'bind',
        extended: () => silent === 'StartTLS',
      },
      { tls: 'starttls', timeout: 150 },
    );
    proxy.freeze();
    for (const point of ['connect', 'StartTLS', 'service bind', 'search', 'bind']) {
      silent = point;
      const before = performance.now();
      expect(await login('u1')).toBe('unavailable');
      expect(performance.now() - before).toBeLessThan(1500);
      proxy.thaw();
      server.dropAll();
    }
    silent = '';
    expect(await login('u1')).toBe('welcome u1');
  });

  it('costs nobody else their answer', async () => {
    const { login } = await stage(
      { search: ({ filter }) => filter.includes('(uid=u-slow)') },
      { timeout: 300, pool: 2 },
    );
    expect(await login('u1')).toBe('welcome u1');
    const slow = login('u-slow');
    const others = await Promise.all(Array.from({ length: 10 }, () => login('u2')));
    expect(others).toEqual(others.map(() => 'welcome u2'));
    expect(await slow).toBe('unavailable');
  });

  it('holds up those who wait no longer than the first of them', async () => {
    const { login, proxy } = await stage({}, { timeout: 400, pool: 1 });
    proxy.freeze();
    const before = performance.now();
    const first = login('u1');
    await new Promise(resolve => setTimeout(resolve, 200));
    const others = Array.from({ length: 20 }, () => login('u2'));
    expect(await Promise.all([first, ...others])).toEqual(Array.from({ length: 21 }, () => 'unavailable'));
    // One by one they would take 21 times as long.
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe('ldapts 5: a new connection', () => {
  it('is bound as the service account before it searches', async () => {
    const bound = new Set<number>();
    const searches: boolean[] = [];
    const { server, login } = await stage({
      serviceBind(_, { connection }) {
        bound.add(connection);
        return false;
      },
      search(_, { connection }) {
        searches.push(bound.has(connection));
        return false;
      },
    });
    for (let round = 0; round < 4; round += 1) {
      expect(await login('u1')).toBe('welcome u1');
      server.dropAll();
    }
    expect(searches).toEqual([true, true, true, true]);
    expect(bound.size).toBe(4);
  });

  it('takes the place of one that the server closes just when it is asked, once', async () => {
    let drops = 0;
    const { login, directory } = await stage({
      search(_, { socket }) {
        if (drops === 0) return false;
        drops -= 1;
        socket.destroy();
        return true;
      },
    });
    expect(await login('u1')).toBe('welcome u1');
    drops = 1;
    expect(await login('u1')).toBe('welcome u1');
    expect(directory.servers()).toMatchObject([{ state: 'up' }]);
    drops = 2;
    expect(await login('u1')).toBe('unavailable');
    expect(directory.servers()).toMatchObject([{ state: 'down' }]);
  });

  it('is made when the server has said goodbye', async () => {
    const { login, server } = await stage();
    expect(await login('u1')).toBe('welcome u1');
    server.handler = (_, { raw }) => raw(NOTICE_OF_DISCONNECTION);
    expect(await login('u1')).toBe('unavailable');
    server.handler = ldapAnswers();
    expect(await login('u1')).toBe('welcome u1');
    // The idle connection was tried, then a new one: both said goodbye. The third answered.
    expect(server.connections).toBeGreaterThan(2);
  });
});

describe('ldapts 6: an answer without end', () => {
  it.each<[string, NonNullable<LdapOddities['search']>]>([
    ['a message of 2 GB', (_, { raw }) => raw(Buffer.from('30847fffffff', 'hex')) === undefined],
    ['bytes that are no LDAP', (_, { raw }) => raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')) === undefined],
    ['an inner length that lies', (_, { raw }) => raw(Buffer.from('30090201036482ffff0401', 'hex')) === undefined],
    ['an answer to nobody', ({ id }, { done }) => done(id + 7) === undefined],
    ['the answer to another operation', ({ id }, { bind }) => bind(id, 0) === undefined],
    ['half an answer', (_, { socket }) => socket.end(Buffer.from('300c0201', 'hex')).writableEnded],
  ])('%s is an outage', async (_, search) => {
    const { login, server } = await stage({ search: (request, reply) => search(request, reply) || true });
    expect(await login('u1')).toBe('unavailable');
    server.handler = ldapAnswers();
    expect(await login('u1')).toBe('welcome u1');
  });

  it('of entries ends at the second', async () => {
    let sent = 0;
    const { login } = await stage({
      search({ id }, reply) {
        const more = () => {
          for (let index = 0; index < 100; index += 1) reply.entry(id, dnOf(`u${index}`), attributesOf(`u${index}`));
          sent += 100;
          if (!reply.socket.destroyed && sent < 1_000_000) setImmediate(more);
        };
        more();
        return true;
      },
    });
    expect(await login('u1')).toBe('ambiguous');
    expect(sent).toBeLessThan(1_000_000);
  });

  it('of references ends at a size', async () => {
    const url = `ldap://elsewhere/${'x'.repeat(60_000)}`;
    let sent = 0;
    const { login } = await stage(
      {
        search({ id }, reply) {
          const more = () => {
            if (reply.socket.destroyed || sent > 2000) return;
            sent += 1;
            reply.reference(id, url);
            setImmediate(more);
          };
          more();
          return true;
        },
      },
      { timeout: 10_000 },
    );
    expect(await login('u1')).toBe('unavailable');
    expect(sent).toBeLessThan(2000);
  });

  it('that drips is given up in time', async () => {
    const { login } = await stage(
      {
        search(_, { socket }) {
          const drip = setInterval(() => socket.write(Buffer.from([0x30])), 20);
          socket.on('close', () => clearInterval(drip));
          socket.write(Buffer.from('3082ffff', 'hex'));
          return true;
        },
      },
      { timeout: 200 },
    );
    expect(await login('u1')).toBe('unavailable');
  });
});

describe('ldapts 7: the password policy control', () => {
  it('refuses who must change the password, and speaks for one bind only', async () => {
    const { login, server } = await stage(
      {
        userBind({ id, dn }, { bind }) {
          if (dn !== dnOf('u-new')) return false;
          bind(id, 0, { controls: [policyControl(2)] });
          return true;
        },
      },
      { pool: 1 },
    );
    expect(await login('u-new')).toBe('refused');
    expect(await login('u1')).toBe('welcome u1');
    expect(await login('u-new')).toBe('refused');
    expect(await login('u1')).toBe('welcome u1');
    expect(server.connections).toBe(2);
  });
});

describe('ldapts 8: more than one entry', () => {
  it('is an error, and nobody is bound', async () => {
    const { login, server } = await stage({
      search({ id, sizeLimit }, { entry, done }) {
        expect(sizeLimit).toBe(2);
        for (const uid of ['u1', 'u2']) entry(id, dnOf(uid), attributesOf(uid));
        done(id, 4);
        return true;
      },
    });
    expect(await login('u1')).toBe('ambiguous');
    expect(server.binds.filter(bind => bind.startsWith('uid='))).toEqual([]);
  });

  it('is not ruled out by a server that sends only one', async () => {
    const { login } = await stage({
      search({ id }, { entry, done }) {
        entry(id, dnOf('u1'), attributesOf('u1'));
        done(id, 4);
        return true;
      },
    });
    expect(await login('u1')).toBe('misconfigured');
  });
});

describe('ldapts 9: referrals', () => {
  it('are not followed: references to elsewhere are nobody', async () => {
    const { login, server } = await stage({
      search({ id, filter }, { reference, entry, done }) {
        reference(id, 'ldap://127.0.0.1:1/dc=elsewhere', 'ldap://127.0.0.1:2/dc=elsewhere');
        if (filter.includes('(uid=u1)')) entry(id, dnOf('u1'), attributesOf('u1'));
        done(id);
        return true;
      },
    });
    expect(await login('u1')).toBe('welcome u1');
    expect(await login('u2')).toBe('unknown-user');
    server.handler = ldapAnswers({ search: ({ id }, { done }) => done(id, 10) === undefined });
    expect(await login('u1')).toBe('misconfigured');
  });
});

describe('a bind that would prove nothing', () => {
  it('is never made: an empty password, an entry without a DN', async () => {
    const { login, server } = await stage({
      search({ id }, { entry, done }) {
        entry(id, '', attributesOf('u1'));
        done(id);
        return true;
      },
    });
    expect(await login('u1', '')).toBe('bad-password');
    expect(server.requests).toEqual([]);
    expect(await login('u1')).toBe('misconfigured');
    expect(server.binds).toEqual([`${SLAPD_SERVICE.dn} ${SLAPD_SERVICE.password}`]);
  });

  it('is simple even for a name that ldapts would take for a SASL mechanism', async () => {
    const { login, server } = await stage({}, { bindAs: 'uid={login}' });
    expect(await login('EXTERNAL')).toBe('unknown-user');
    expect(server.binds).toContain('uid=EXTERNAL secret');
  });

  it('is made for who does not exist, so that time does not tell', async () => {
    const { login, server } = await stage();
    expect(await login('nobody')).toBe('unknown-user');
    expect(server.binds.at(-1)).toMatch(/^cn=[0-9a-f-]{36},ou=people,dc=example,dc=org secret$/);
  });
});
