import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dovecot } from '../support/dovecot.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { complaints, nobodyLeft, RelayStand, tls } from '../support/relay-stand.ts';
import { type TestCertificate, testCa } from '../support/test-ca.ts';
import { sClient } from './s-client.ts';

const execute = promisify(execFile);

/** A session from login to logout; says what the server answered to each step. */
const IMAPLIB = `
import imaplib, ssl, sys, time
authority, port, way, user = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
if way == 'implicit':
    c = imaplib.IMAP4_SSL('localhost', int(port), ssl_context=context)
else:
    c = imaplib.IMAP4('localhost', int(port))
    c.starttls(context)
message = 'Subject: gr\\u00fc\\u00dfe\\r\\n\\r\\n) {3}\\r\\nbody\\r\\n'.encode()
def say(*answer): print(*answer)
say('login', c.login(user, 'secret')[0])
say(c.create('"Entw&APw-rfe"'))
say(c.append('"Entw&APw-rfe"', '(\\\\Flagged)', imaplib.Time2Internaldate(1e9), message)[0])
say(c.append('"Entw&APw-rfe"', None, None, message * 1000)[0])
say(c.select('"Entw&APw-rfe"'))
say(c.fetch('1:*', '(FLAGS BODY.PEEK[])'))
say(c.store('1', '+FLAGS', '(\\\\Deleted \\\\Seen)'))
say(c.search(None, 'DELETED'))
say(c.expunge())
say(c.fetch('1', '(UID FLAGS RFC822.SIZE)'))
say(c.list())
say(c.noop()[0])
if hasattr(c, 'idle'):
    with c.idle(duration=0.2) as idler: say('idle', [r for r in idler])
say(c.close()[0])
say(c.delete('"Entw&APw-rfe"')[0])
say(c.logout()[0])
`;

describeWithPeers(['dovecot', 'curl', 'python3', 'openssl'], 'other people’s clients', () => {
  const stand = new RelayStand();
  let folder = '';
  let certificate: TestCertificate;
  let authority = '';
  let dovecot: Dovecot;
  let postern: RunningPostern;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-clients-'));
    const ca = await testCa();
    certificate = ca.good;
    authority = ca.file;
    dovecot = await stand.dovecot({
      certificate: { certificate: certificate.certificateFile, key: certificate.keyFile },
      users: { alice: 'secret', bob: 'secret', carol: 'secret' },
    });
    postern = await stand.postern({
      upstreams: { store: tls(dovecot, { ca: authority }) },
      users: { alice: 'secret', bob: 'secret', carol: 'secret' },
    });
  });
  afterAll(async () => {
    await stand.close();
    rmSync(folder, { recursive: true, force: true });
  });

  describe('Python’s imaplib', () => {
    const talk = async (way: string, port: number, user: string) => {
      const script = join(folder, 'talk.py');
      writeFileSync(script, IMAPLIB);
      const { stdout } = await execute('python3', [script, authority, String(port), way, user], { timeout: 20_000 });
      // How long it took, and when the mailbox was made.
      return stdout.replace(/\(\d\.\d+ \+ .*? secs\)/g, '(secs)').replace(/\d{9,}/g, '(time)');
    };

    it.each(['implicit', 'starttls'] as const)('has the same session as directly, tls: %s', async way => {
      const relayed = await talk(way, postern.port(way), 'alice');
      const direct = await talk(way, way === 'implicit' ? dovecot.ports.tls : dovecot.ports.plain, 'bob');
      expect(relayed).toBe(direct);
      expect(relayed.split('\n')).toHaveLength(direct.includes('idle') ? 17 : 16);
      expect(relayed).toContain('{3}');
    });
  });

  describe('curl', () => {
    it.each(['implicit', 'starttls'] as const)('stores, lists, finds and reads, tls: %s', async way => {
      const base = `${way === 'implicit' ? 'imaps' : 'imap'}://localhost:${postern.port(way)}`;
      const curl = async (path: string, ...options: readonly string[]) => {
        const shared = ['--silent', '--show-error', '--ssl-reqd', '--cacert', authority, '--user', 'carol:secret'];
        return (await execute('curl', [...shared, ...options, `${base}/${path}`], { timeout: 20_000 })).stdout;
      };
      const sent = join(folder, 'sent.eml');
      const read = join(folder, 'read.eml');
      const text = randomBytes(1_000_000).toString('base64').replace(/.{76}/g, '$&\r\n');
      writeFileSync(sent, `Subject: from curl\r\n\r\n${text}\r\n`);
      const box = `Box-${way}`;
      await curl('', '--request', `CREATE ${box}`);
      await curl(box, '--upload-file', sent);
      expect(await curl('')).toContain(box);
      expect(await curl(`${box}?SUBJECT%20curl`)).toMatch(/^\* SEARCH 1\r?$/m);
      await curl(`${box};MAILINDEX=1`, '--output', read);
      expect(readFileSync(read).equals(readFileSync(sent))).toBe(true);
      await expect(curl(`${box};MAILINDEX=2`)).rejects.toThrow();
    });
  });

  describe('openssl s_client', () => {
    it.each([
      ['implicit', []],
      ['starttls', ['-starttls', 'imap']],
    ] as const)('gets every answer to what it pipelines, tls: %s', async (way, options) => {
      const commands = ['a LOGIN alice secret', 'b SELECT INBOX', 'c NOOP', 'd STATUS INBOX (MESSAGES)', 'e LOGOUT'];
      const { secured, output } = await sClient(
        postern.port(way),
        ['-CAfile', authority, '-verify_return_error', '-servername', 'localhost', ...options],
        `${commands.join('\r\n')}\r\n`,
      );
      expect(secured).toBe(true);
      const answers = [...output.matchAll(/^([a-e]) (OK|NO|BAD)\b/gm)].map(([, tag, status]) => `${tag} ${status}`);
      // Dovecot answers STATUS before NOOP, as it may.
      expect(answers.sort()).toEqual(['a OK', 'b OK', 'c OK', 'd OK', 'e OK']);
    });
  });

  it('leave nothing behind', async () => {
    await nobodyLeft(postern);
    expect(complaints(postern)).toEqual([]);
  });
});
