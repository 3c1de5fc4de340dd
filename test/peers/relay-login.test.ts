import { afterEach, expect, it } from 'vitest';
import type { Dovecot } from '../support/dovecot.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { auditOf, complaints, type RelayChoices, RelayStand, tls } from '../support/relay-stand.ts';

const stand = new RelayStand();
afterEach(() => stand.close());

/** The capability string of a server that has little. */
const BARE = 'IMAP4rev1 ID';
const base64 = (text: string) => Buffer.from(text, 'utf8').toString('base64');
/** Text as the bytes that a client of the tests writes. */
const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

async function recorded(dovecot: Dovecot, keys: Readonly<Record<string, unknown>>, more: Partial<RelayChoices> = {}) {
  const proxy = await stand.proxy(dovecot.ports.plain);
  const servers = [`127.0.0.1:${proxy.port}`];
  const postern = await stand.postern({ ...more, upstreams: { store: { servers, tls: 'none', ...keys } } });
  return { proxy, postern };
}

/** A login as SASL PLAIN; the audit line and what was answered. */
async function logIn(postern: RunningPostern, user: string, password: string, options = {}) {
  const client = await stand.client(postern, 'implicit', options);
  const { tagged } = await client.command(`AUTHENTICATE PLAIN ${base64(`\0${user}\0${password}`)}`);
  return { client, tagged, audit: await auditOf(postern, client) };
}

describeWithPeers(['dovecot', 'openssl'], 'a login at Dovecot', () => {
  it.each([
    ['with initial response', undefined, 'auto', /AUTHENTICATE PLAIN AGFsaWNlAHNlY3JldA==\r\n/],
    ['without initial response', BARE, 'auto', /AUTHENTICATE PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n/],
    ['by the LOGIN command when so configured', undefined, 'LOGIN', /LOGIN alice secret\r\n/],
    ['by PLAIN when so configured', BARE, 'PLAIN', /AUTHENTICATE PLAIN\r\nAGFsaWNlAHNlY3JldA==\r\n/],
  ])('%s', async (_title, capability, mechanism, sent) => {
    const dovecot = await stand.dovecot(capability === undefined ? {} : { capability });
    const { proxy, postern } = await recorded(dovecot, { login: { as: 'user', mechanism } });
    const { tagged, audit, client } = await logIn(postern, 'alice', 'secret');
    expect(tagged).toMatch(/ OK /);
    expect(audit).toMatchObject({ outcome: 'ok', upstream: 'store', upstreamLogin: 'alice', mechanism: 'PLAIN' });
    expect(proxy.sent.toString('latin1')).toMatch(sent);
    expect((await client.command('SELECT INBOX')).tagged).toMatch(/ OK /);
  });

  it('by SASL LOGIN where nothing else is offered', async () => {
    const dovecot = await stand.dovecot({ mechanisms: 'login' });
    for (const mechanism of ['auto', 'LOGIN']) {
      const { proxy, postern } = await recorded(dovecot, { login: { as: 'user', mechanism } });
      const { tagged, audit } = await logIn(postern, 'alice', 'secret');
      expect(tagged).toMatch(/ OK /);
      expect(audit).toMatchObject({ outcome: 'ok', upstreamLogin: 'alice' });
      expect(proxy.sent.toString('latin1')).toMatch(/AUTHENTICATE LOGIN\r\nYWxpY2U=\r\nc2VjcmV0\r\n/);
    }
  });

  it.each([
    ['PLAIN', 'plain', { as: 'user', mechanism: 'LOGIN' }, true],
    ['LOGIN', 'login', { as: 'user', mechanism: 'PLAIN' }, false],
    ['LOGIN', 'login', { as: 'authzid', user: 'boss', password: 'bosspw' }, false],
    ['nothing with a password', 'cram-md5', { as: 'user' }, false],
  ])('where %s is offered, mechanisms: %s, login: %o', async (_title, mechanisms, login, possible) => {
    const dovecot = await stand.dovecot({ mechanisms, masters: { boss: 'bosspw' } });
    const { proxy, postern } = await recorded(dovecot, { login });
    const { tagged, audit } = await logIn(postern, 'alice', 'secret');
    expect(tagged).toMatch(possible ? / OK / : / NO \[UNAVAILABLE\] /);
    if (possible) return;
    expect(audit).toMatchObject({ outcome: 'upstream-unavailable', detail: expect.stringMatching(/offer/) });
    for (const text of ['secret', 'bosspw', 'AUTHENTICATE', 'LOGIN ']) expect(proxy.sent.includes(text)).toBe(false);
  });

  it.each([
    ['quotes and backslashes', 'a"b\\c d', 'p"w\\ d'],
    ['letters beyond ASCII', 'zoë', 'pässwörd €'],
    ['a name that is grammar', '(x) {5}', '{7+}'],
    ['NIL', 'nil', 'NIL'],
    // Dovecot's LOGIN command takes no more than 1024.
    ['a thousand characters', 'alice', 'x'.repeat(1000)],
  ])('takes every name and password: %s', async (_title, user, password) => {
    // Dovecot looks the escaped name up in its file.
    const users = { [user.replace(/["\\]/g, '\\$&')]: password };
    const extra = 'auth_username_chars =';
    const dovecots = [await stand.dovecot({ users, extra }), await stand.dovecot({ users, extra, capability: BARE })];
    for (const dovecot of dovecots) {
      for (const mechanism of ['PLAIN', 'LOGIN']) {
        const { postern, proxy } = await recorded(
          dovecot,
          { login: { as: 'user', mechanism } },
          { users: { [user]: password } },
        );
        const { tagged, audit } = await logIn(postern, user, password);
        expect(tagged).toMatch(/ OK /);
        expect(audit).toMatchObject({ login: user, upstreamLogin: user });
        // RFC 3501 §4.3: quoted strings are ASCII; this Dovecot would take others, other servers do not.
        if (user === 'zoë' && mechanism === 'LOGIN')
          expect(proxy.sent.toString('latin1')).toMatch(/LOGIN \{4\+?\}\r\n/);
        // The LOGIN command, with the strings as literals of both kinds and, where they can be, quoted.
        const client = await stand.client(postern);
        const [name, secret] = [utf8(user), utf8(password)];
        expect((await client.command(`LOGIN {${name.length}}`, `${name} {${secret.length}}`, secret)).tagged).toMatch(
          / OK /,
        );
        const plus = await stand.client(postern);
        const line = `LOGIN {${name.length}+}\r\n${name} {${secret.length}+}\r\n${secret}`;
        expect((await plus.command(line)).tagged).toMatch(/ OK /);
        const quoted = await stand.client(postern);
        const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`;
        expect((await quoted.command(`LOGIN ${quote(name)} ${quote(secret)}`)).tagged).toMatch(/ OK /);
        expect(complaints(postern)).toEqual([]);
      }
    }
  });

  it('is refused where clients could log in again past the directory, unless that is allowed', async () => {
    const dovecot = await stand.dovecot({ capability: `${BARE} UNAUTHENTICATE` });
    const { tagged, audit } = await logIn((await recorded(dovecot, {})).postern, 'alice', 'secret');
    expect(tagged).toMatch(/ NO \[UNAVAILABLE\] /);
    expect(audit).toMatchObject({ detail: expect.stringContaining('UNAUTHENTICATE') });
    const allowed = await recorded(dovecot, { allow_unauthenticate: true });
    expect((await logIn(allowed.postern, 'alice', 'secret')).tagged).toMatch(/ OK .*UNAUTHENTICATE/);
  });

  it('may be a master user’s', async () => {
    const dovecot = await stand.dovecot({ masters: { boss: 'bosspw' } });
    dovecot.deliver('bob', 'Subject: of bob\r\n\r\nx\r\n');
    for (const mechanism of ['PLAIN', 'LOGIN']) {
      const login = { as: 'master', name: '{local}', user: 'boss', password: 'bosspw', mechanism };
      const { proxy, postern } = await recorded(dovecot, { login }, { users: { 'bob@example.org': 'another' } });
      const { tagged, audit, client } = await logIn(postern, 'bob@example.org', 'another');
      expect(tagged).toMatch(/ OK /);
      expect(audit).toMatchObject({ outcome: 'ok', upstreamLogin: 'bob' });
      expect((await client.command('SELECT INBOX')).untagged).toContain('* 1 EXISTS');
      const sent = proxy.sent.toString('latin1');
      expect(sent).toContain(mechanism === 'PLAIN' ? base64('\0bob*boss\0bosspw') : 'LOGIN "bob*boss" bosspw');
      expect(sent.includes('another') || sent.includes(base64('another').slice(0, 8))).toBe(false);
      // The directory decides, whatever the master may.
      expect((await logIn(postern, 'bob@example.org', 'wrong')).tagged).toMatch(/ NO \[AUTHENTICATIONFAILED\] /);
    }
    const { postern } = await recorded(dovecot, { login: { as: 'master', user: 'boss', password: 'old' } });
    const { tagged, audit } = await logIn(postern, 'alice', 'secret');
    expect(tagged).toMatch(/ NO \[CONTACTADMIN\] /);
    expect(audit).toMatchObject({ outcome: 'upstream-refused' });
    expect(complaints(postern)).toEqual([]);
  });

  it('may be one as another (authorization identity)', async () => {
    const dovecot = await stand.dovecot({ masters: { boss: 'bosspw' } });
    dovecot.deliver('bob', 'Subject: of bob\r\n\r\nx\r\n');
    const login = { as: 'authzid', name: '{local}', user: 'boss', password: 'bosspw' };
    const { proxy, postern } = await recorded(dovecot, { login }, { users: { 'bob@example.org': 'another' } });
    const { tagged, audit, client } = await logIn(postern, 'bob@example.org', 'another');
    expect(tagged).toMatch(/ OK /);
    expect(audit).toMatchObject({ outcome: 'ok', upstreamLogin: 'bob' });
    expect((await client.command('SELECT INBOX')).untagged).toContain('* 1 EXISTS');
    expect(proxy.sent.toString('latin1')).toContain(base64('bob\0boss\0bosspw'));
    expect(dovecot.logText()).toMatch(/user=<bob>/);
  });

  it('is not one as another at the client’s own wish', async () => {
    const dovecot = await stand.dovecot();
    const { postern } = await recorded(dovecot, {});
    const client = await stand.client(postern);
    const { tagged } = await client.command(`AUTHENTICATE PLAIN ${base64('bob\0alice\0secret')}`);
    expect(tagged).toMatch(/ NO \[AUTHORIZATIONFAILED\] /);
    const self = await stand.client(postern);
    expect((await self.command(`AUTHENTICATE PLAIN ${base64('alice\0alice\0secret')}`)).tagged).toMatch(/ OK /);
  });
});

describeWithPeers(['dovecot', 'openssl'], 'the client’s address', () => {
  const from = { localAddress: '127.0.0.5' };

  it('is told by a PROXY v2 header, in clear and before TLS', async () => {
    const dovecot = await stand.dovecot({ proxyProtocol: true });
    const { proxyPlain, proxyTls } = dovecot.ports;
    const how = { pass_client_address: ['proxy-v2'] };
    for (const upstream of [
      { servers: [`127.0.0.1:${proxyPlain}`], tls: 'none', ...how },
      { ...tls(dovecot), servers: [`127.0.0.1:${proxyTls}`], ...how },
      { ...tls(dovecot), servers: [`127.0.0.1:${proxyPlain}`], tls: 'starttls', ...how },
    ]) {
      const before = dovecot.logText().length;
      const postern = await stand.postern({ upstreams: { store: upstream } });
      const { tagged, client } = await logIn(postern, 'alice', 'secret', from);
      expect(tagged).toMatch(/ OK /);
      await client.logout();
      expect(dovecot.logText().slice(before)).toMatch(/Login: user=<alice>.* rip=127\.0\.0\.5, lip=127\.0\.0\.1,/);
    }
  });

  it('is told by ID to a server that trusts us', async () => {
    for (const capability of [undefined, BARE]) {
      const dovecot = await stand.dovecot({
        trusted: ['127.0.0.1'],
        ...(capability === undefined ? {} : { capability }),
      });
      const { postern } = await recorded(dovecot, { pass_client_address: ['id'] });
      const { tagged, client } = await logIn(postern, 'alice', 'secret', from);
      expect(tagged).toMatch(/ OK /);
      await client.logout();
      expect(dovecot.logText()).toMatch(/Login: user=<alice>.* rip=127\.0\.0\.5,/);
    }
  });

  it('is not told unless configured', async () => {
    const dovecot = await stand.dovecot({ trusted: ['127.0.0.1'] });
    const { postern, proxy } = await recorded(dovecot, {});
    const { client } = await logIn(postern, 'alice', 'secret', from);
    await client.logout();
    expect(proxy.sent.includes('127.0.0.5')).toBe(false);
    expect(dovecot.logText()).toMatch(/Login: user=<alice>.* rip=127\.0\.0\.1,/);
  });
});
