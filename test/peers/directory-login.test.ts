import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSWERS } from '../../src/imap/answers.ts';
import { Dovecot } from '../support/dovecot.ts';
import { frontDoor, inParallel, knock, logIn, type Mechanism, tryLogin } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { SLAPD_PASSWORD, SLAPD_SERVICE, Slapd } from '../support/slapd.ts';

const USERS = 200;
const WRONG = 'not-my-password';
const names = Array.from({ length: USERS }, (_, index) => `u${String(index).padStart(3, '0')}`);
const REFUSED = `NO [AUTHENTICATIONFAILED] ${ANSWERS['authentication-failed'].text}`;
const MECHANISMS: readonly Mechanism[] = ['LOGIN command', 'PLAIN', 'LOGIN'];

/** Names that are filters, patterns, DNs or paths elsewhere. */
const ODD_LOGINS: readonly string[] = [
  '*',
  'u00*',
  'u000*',
  ')(uid=*',
  '*)(uid=*',
  'u000)(uid=*',
  'u000)(objectClass=*',
  'u000))(|(uid=*',
  '\\2a',
  '\\75000',
  'u000\\00',
  '(uid=u000)',
  'uid=u000',
  'uid=u000,ou=people,dc=example,dc=org',
  'u000,ou=people',
  '*@example.org',
  '{login}',
  '../u000',
  'u000 ',
  ' u000',
  'u000@example.org@example.org',
  '@example.org',
  'u000@',
];

describeWithPeers(['slapd', 'dovecot'], 'Postern before OpenLDAP with 200 users', () => {
  let slapd: Slapd;
  let dovecot: Dovecot;

  beforeAll(async () => {
    slapd = await Slapd.start({ users: USERS });
    // Any name is a name to it, and an asterisk is no sign of a master user.
    const extra = 'auth_username_chars =\nauth_master_user_separator =';
    dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD, extra });
    dovecot.deliver('u007', 'Subject: for seven\r\n\r\nhello\r\n');
  });

  afterAll(async () => {
    await dovecot?.remove();
    await slapd?.remove();
  });

  for (const [title, tls, login] of [
    ['over LDAPS', 'implicit', {}],
    ['over StartTLS, names kept as typed', 'starttls', { case: 'keep' }],
  ] as const) {
    describe(title, () => {
      let postern: RunningPostern;

      beforeAll(async () => {
        const directory = [tls === 'implicit' ? slapd.tlsPort : slapd.port];
        const upstreamLogin = { as: 'user', name: '{name}' };
        const authentication = { login };
        postern = await startPostern(await frontDoor({ directory, tls, dovecot, upstreamLogin, authentication }));
      });

      afterAll(() => postern?.remove());

      it('lets everybody in by uid and by mail address, in any case, as one and the same', async () => {
        const attempts = names.flatMap(name =>
          [name, name.toUpperCase(), `${name}@example.org`, `${name.toUpperCase()}@Example.ORG`].map(given => ({
            name,
            given,
          })),
        );
        const answers = await inParallel(attempts, 16, async ({ given }) => {
          const client = await knock(postern);
          const answer = await logIn(client, given, SLAPD_PASSWORD);
          client.close();
          return answer;
        });
        expect(answers.filter(answer => !/^OK \[CAPABILITY IMAP4rev1 /.test(answer))).toEqual([]);

        const lines = () => postern.log.filter(({ audit }) => audit === 'login');
        await until('every login is in the audit log', () => lines().length >= attempts.length);
        const ofUsers = new Map(names.map(name => [name, lines().filter(line => line.upstreamLogin === name)]));
        for (const [name, found] of ofUsers) {
          expect(found.map(({ given }) => given).sort()).toEqual(
            attempts.flatMap(attempt => (attempt.name === name ? [attempt.given] : [])).sort(),
          );
          expect(new Set(found.map(({ account }) => account)).size).toBe(1);
          expect(found.every(({ outcome, directory }) => outcome === 'ok' && directory === 'corp')).toBe(true);
        }
        expect(new Set(lines().map(({ account }) => account)).size).toBe(USERS);
      });

      it.each(MECHANISMS)('opens the mailbox of whoever logs in, by %s', async mechanism => {
        for (const [login, messages] of [
          ['u007', 1],
          ['u007@example.org', 1],
          ['u008', 0],
        ] as const) {
          const client = await knock(postern);
          expect(await logIn(client, login, SLAPD_PASSWORD, mechanism)).toMatch(/^OK /);
          expect((await client.command('SELECT INBOX')).untagged).toContain(`* ${messages} EXISTS`);
          await client.logout();
        }
      });

      it.each(MECHANISMS)(
        'says the same of a wrong password, an unknown user and an empty password, by %s',
        async mechanism => {
          const refuse = (login: string, password: string) => tryLogin(postern, login, password, { mechanism });
          // Each mechanism with wrong ones of its own: the same again are not asked about.
          const wrong = await refuse('u001', `${WRONG}${mechanism}`);
          const almost = await refuse('u001', SLAPD_PASSWORD + ' '.repeat(MECHANISMS.indexOf(mechanism) + 1));
          const unknown = await refuse('nobody', SLAPD_PASSWORD);
          const unknownMail = await refuse('nobody@example.org', SLAPD_PASSWORD);
          const empty = await refuse('u001', '');
          const emptyUnknown = await refuse('nobody', '');
          const locked = await refuse('locked', SLAPD_PASSWORD);
          const attempts = [wrong, almost, unknown, unknownMail, empty, emptyUnknown, locked];
          expect(attempts.map(({ answer }) => answer)).toEqual(attempts.map(() => REFUSED));
          expect(attempts.map(({ audit }) => audit.outcome)).toEqual([
            'bad-password',
            'bad-password',
            'unknown-user',
            'unknown-user',
            'bad-password',
            'bad-password',
            'refused',
          ]);
        },
      );

      it('refuses all 200 with a wrong password', async () => {
        const answers = await inParallel(names, 16, async name => {
          const client = await knock(postern);
          const answer = await logIn(client, name, `${WRONG}${name}`);
          client.close();
          return answer;
        });
        expect(answers).toEqual(names.map(() => REFUSED));
      });

      it('goes on with the same connection after a refusal', async () => {
        const client = await knock(postern);
        expect(await logIn(client, 'u009', WRONG)).toBe(REFUSED);
        expect((await client.command('NOOP')).tagged).toMatch(/^t\d+ OK/);
        expect(await logIn(client, 'u009', '', 'PLAIN')).toBe(REFUSED);
        expect(await logIn(client, 'u009', SLAPD_PASSWORD)).toMatch(/^OK /);
        await client.logout();
      });

      it.each(ODD_LOGINS)('takes %j for a name, and for nobody’s', async login => {
        for (const mechanism of MECHANISMS) {
          const { answer, audit } = await tryLogin(postern, login, SLAPD_PASSWORD, { mechanism });
          expect(answer).toBe(REFUSED);
          expect(['unknown-user', 'malformed', 'refused']).toContain(audit.outcome);
          expect(audit.account).toBeUndefined();
        }
      });

      it('lets in whoever really is called so', async () => {
        for (const login of ['odd(*)\\name', 'zoë', 'zoe\u0308']) {
          for (const mechanism of MECHANISMS) {
            expect((await tryLogin(postern, login, SLAPD_PASSWORD, { mechanism })).answer).toMatch(/^OK /);
          }
        }
      });

      it('refuses to choose between two', async () => {
        const { answer, audit } = await tryLogin(postern, 'twin@example.org', SLAPD_PASSWORD);
        expect(answer).toBe(`NO [CONTACTADMIN] ${ANSWERS['contact-admin'].text}`);
        expect(audit.outcome).toBe('ambiguous');
      });

      it('takes a NUL in no login and no password', async () => {
        // RFC 3501 §9: literals hold no NUL either.
        const client = await knock(postern);
        expect((await client.command('LOGIN {5}', 'u000\0 {6}', 'secret')).tagged).toMatch(/^t\d+ (?:BAD|NO \[AUTH)/);
        expect((await client.command('LOGIN {4}', 'u000 {7}', 'secret\0')).tagged).toMatch(/^t\d+ (?:BAD|NO \[AUTH)/);
        for (const response of ['\0u000\0secret\0', '\0u000\0\0secret', '\0u000', 'u000\0secret']) {
          const { tagged } = await client.command(`AUTHENTICATE PLAIN ${Buffer.from(response).toString('base64')}`);
          expect(tagged).toMatch(/^t\d+ BAD/);
        }
        expect(await logIn(client, 'u000\0', SLAPD_PASSWORD, 'LOGIN')).toMatch(/BAD/);
        client.close();
      });

      it('takes very long names and passwords for wrong ones', async () => {
        const long = 'x'.repeat(5000);
        for (const mechanism of MECHANISMS) {
          expect((await tryLogin(postern, long, SLAPD_PASSWORD, { mechanism })).answer).toBe(REFUSED);
          expect((await tryLogin(postern, `u000${' '.repeat(1000)}`, SLAPD_PASSWORD, { mechanism })).answer).toBe(
            REFUSED,
          );
          expect((await tryLogin(postern, 'u000', `${SLAPD_PASSWORD}${long}`, { mechanism })).answer).toBe(REFUSED);
        }
        const client = await knock(postern);
        expect((await client.command('LOGIN {1000000}', '', '')).tagged).toMatch(/^t\d+ BAD \[TOOBIG\]/);
        expect(await logIn(client, 'u000', SLAPD_PASSWORD)).toMatch(/^OK /);
        client.close();
      });

      it('has told nobody’s password to the log', () => {
        expect(postern.output).toContain('bad-password');
        for (const secret of [WRONG, `"${SLAPD_PASSWORD}`, SLAPD_SERVICE.password]) {
          expect(postern.output).not.toContain(secret);
          expect(postern.output).not.toContain(Buffer.from(secret).toString('base64'));
        }
      });
    });
  }
});
