import { type ChildProcess, execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Dovecot } from '../support/dovecot.ts';
import { frontDoor } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type LogLine, type RunningPostern, startPostern } from '../support/postern.ts';
import { SLAPD_PASSWORD, Slapd } from '../support/slapd.ts';
import { testCa } from '../support/test-ca.ts';

const IMAPLIB = `
import imaplib, ssl, sys
authority, port, way, user, password = sys.argv[1:]
client = imaplib.IMAP4_SSL('localhost', int(port), ssl_context=ssl.create_default_context(cafile=authority))
try:
    if way == 'login':
        client.login(user, password)
    else:
        client.authenticate('PLAIN', lambda _: ('\\0' + user + '\\0' + password).encode())
    client.select('INBOX')
    print(client.fetch('1', '(RFC822.HEADER)')[1])
except imaplib.IMAP4.error as error:
    print(error)
client.logout()
`;

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** A program that may not last longer than 20 s. */
function run(program: string, args: readonly string[], input = ''): Promise<Ran> {
  return new Promise(resolve => {
    const child: ChildProcess = execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? (child.exitCode ?? 1) : 0, output: `${stdout}${stderr}` });
    });
    child.stdin?.end(input);
  });
}

describeWithPeers(
  ['slapd', 'dovecot', 'curl', 'gsasl', 'python3'],
  'Other people’s clients log in with OpenLDAP',
  () => {
    let slapd: Slapd;
    let dovecot: Dovecot;
    let postern: RunningPostern;
    let authority: string;

    beforeAll(async () => {
      slapd = await Slapd.start({ users: 40 });
      dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD });
      for (const name of ['u000', 'u001']) dovecot.deliver(name, `Subject: for ${name}\r\n\r\nhello\r\n`);
      authority = (await testCa()).file;
      postern = await startPostern(
        await frontDoor({
          directory: [slapd.tlsPort],
          dovecot,
          listeners: [
            { name: 'imaps', address: '127.0.0.1:0', tls: 'implicit' },
            { name: 'imap', address: '127.0.0.1:0', tls: 'starttls' },
          ],
        }),
      );
    });

    afterAll(async () => {
      await postern?.remove();
      await dovecot?.remove();
      await slapd?.remove();
    });

    /** The audit line of the one login that `work` makes. */
    async function audited(work: () => Promise<Ran>): Promise<Ran & { audit: LogLine }> {
      const from = postern.log.length;
      const ran = await work();
      return { ...ran, audit: await postern.waitForLog(({ audit }) => audit === 'login', { from }) };
    }

    describe.each(['imaps', 'imap'] as const)('curl, %s', scheme => {
      const curl = (user: string, password: string, ...options: readonly string[]) =>
        audited(() =>
          run('curl', [
            ...['--silent', '--show-error', '--cacert', authority, '--user', `${user}:${password}`],
            ...(scheme === 'imap' ? ['--ssl-reqd'] : []),
            ...options,
            `${scheme}://localhost:${postern.port(scheme)}/INBOX;MAILINDEX=1`,
          ]),
        );

      it.each([
        ['AUTH=PLAIN', ['--sasl-ir'], 'PLAIN'],
        ['AUTH=PLAIN', [], 'PLAIN'],
        ['AUTH=LOGIN', [], 'LOGIN'],
      ] as const)('reads mail with %s %j', async (login, options, mechanism) => {
        const { code, output, audit } = await curl('u000', SLAPD_PASSWORD, '--login-options', login, ...options);
        expect(output).toContain('Subject: for u000');
        expect(code).toBe(0);
        expect(audit).toMatchObject({ outcome: 'ok', mechanism, login: 'u000', listener: scheme });
      });

      it('logs in by mail address', async () => {
        const { output, audit } = await curl('U001@example.org', SLAPD_PASSWORD);
        expect(output).toContain('Subject: for u001');
        expect(audit).toMatchObject({ outcome: 'ok', login: 'u001@example.org' });
      });

      // Each way with a wrong password of its own: the same one again is not asked about.
      it('is refused with a wrong password', async () => {
        const { code, audit } = await curl('u000', `wrong-${scheme}`);
        // CURLE_LOGIN_DENIED.
        expect(code).toBe(67);
        expect(audit).toMatchObject({ outcome: 'bad-password' });
      });
    });

    describe('gsasl, STARTTLS', () => {
      const gsasl = (mechanism: string, user: string, password: string) =>
        audited(() =>
          run('gsasl', [
            ...['--imap', `--connect=localhost:${postern.port('imap')}`, `--x509-ca-file=${authority}`, '--no-cb'],
            ...[
              `--mechanism=${mechanism}`,
              `--authentication-id=${user}`,
              `--password=${password}`,
              '--authorization-id=',
            ],
          ]),
        );

      it.each(['PLAIN', 'LOGIN'])('logs in with %s', async mechanism => {
        const { code, output, audit } = await gsasl(mechanism, 'u000', SLAPD_PASSWORD);
        expect(output).toMatch(/OK \[CAPABILITY/);
        expect(code).toBe(0);
        expect(audit).toMatchObject({ outcome: 'ok', mechanism, login: 'u000' });
      });

      it.each(['PLAIN', 'LOGIN'])('is refused with %s and a wrong password', async mechanism => {
        const { code, audit } = await gsasl(mechanism, 'u000', `wrong-${mechanism}`);
        expect(code).not.toBe(0);
        expect(audit).toMatchObject({ outcome: 'bad-password', mechanism });
      });
    });

    describe('Python’s imaplib', () => {
      const imaplib = (way: string, user: string, password: string) =>
        audited(() => run('python3', ['-c', IMAPLIB, authority, String(postern.port('imaps')), way, user, password]));

      it.each([
        ['login', 'LOGIN command'],
        ['plain', 'PLAIN'],
      ])('reads mail after %s', async (way, mechanism) => {
        const { code, output, audit } = await imaplib(way, 'u001', SLAPD_PASSWORD);
        expect(output).toContain('Subject: for u001');
        expect(code).toBe(0);
        expect(audit).toMatchObject({ outcome: 'ok', mechanism });
      });

      it.each(['login', 'plain'])('is told why %s failed', async way => {
        const { output, audit } = await imaplib(way, 'u001', `wrong-${way}`);
        expect(output).toContain('[AUTHENTICATIONFAILED]');
        expect(audit).toMatchObject({ outcome: 'bad-password' });
      });
    });
  },
);
