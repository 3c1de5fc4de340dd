import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { describeWithPeers } from '../support/peers.ts';
import { runCli } from '../support/postern.ts';
import { isAlive, until } from '../support/processes.ts';
import { RunningDemo } from './running-demo.ts';

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

function sh(command: string): Promise<Ended> {
  return new Promise(resolve => {
    const child = execFile('sh', ['-c', command], { timeout: 30_000, maxBuffer: 8_000_000 }, (_error, stdout) =>
      resolve({ code: child.exitCode ?? -1, stdout }),
    );
  });
}

describeWithPeers(['curl', 'openssl'], 'postern demo', () => {
  let root: string;
  let demo: RunningDemo;
  /** The commands it suggests. */
  let suggested: readonly string[];
  const suggestion = (part: string) => suggested.find(line => line.includes(part)) ?? `no suggestion with ${part}`;

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'postern-demo-test-'));
    demo = await RunningDemo.start(['--port', '0'], { ...process.env, TMPDIR: root });
    suggested = demo.output.split('\n').flatMap(line => /^ {2}((?:curl|openssl|node) .*)$/.exec(line)?.[1] ?? []);
  });
  afterAll(async () => {
    await demo?.remove();
    rmSync(root, { recursive: true, force: true });
  });

  it('says what runs where', () => {
    expect(demo.told('mailboxes')).toMatch(/^\d{2,3} messages, in the embedded store$/);
    expect(demo.folder.startsWith(root)).toBe(true);
    expect(suggested).toHaveLength(11);
  });

  it("lists alice's mailboxes and messages, as it suggests", async () => {
    const mailboxes = await sh(suggestion('alice:secret'));
    expect(mailboxes.code).toBe(0);
    for (const name of ['INBOX', 'Sent', 'Drafts', 'Trash', 'Reports', 'Lists/dev'])
      expect(mailboxes.stdout).toContain(`"/" ${name}\r\n`);
    const inbox = await sh(suggestion('FETCH'));
    expect(inbox.stdout.match(/^\* \d+ FETCH \(FLAGS .* RFC822\.SIZE \d+/gm)?.length).toBeGreaterThan(20);
  });

  it('fetches a message, as it suggests', async () => {
    const { code, stdout } = await sh(suggestion('MAILINDEX'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/^From: .+\r\nTo: .+\r\nSubject: /m);
  });

  it('takes a message and finds it, as it suggests', async () => {
    expect((await sh(suggestion('-T '))).code).toBe(0);
    const { stdout } = await sh(suggestion('SEARCH TEXT'));
    expect(stdout).toMatch(/^\* SEARCH 1\r$/m);
    await until('the command is shown', () =>
      /^\S+ {2}alice {4}SEARCH TEXT hello {2}-> {2}OK .*\(1 response, \d+ ms\)$/m.test(demo.output),
    );
  });

  it('refuses a wrong password and an unknown user, as it suggests', async () => {
    // Status of curl for a login that was denied.
    expect((await sh(suggestion('alice:wrong'))).code).toBe(67);
    expect((await sh(suggestion('nobody:secret'))).code).toBe(67);
  });

  it('lets bob in by openssl and shows him the large message whole', async () => {
    const typed = "(printf 'a LOGIN bob@example.org secret\\nb SELECT INBOX\\nc LOGOUT\\n'; sleep 3)";
    const { stdout } = await sh(`${typed} | ${suggestion('s_client')}`);
    expect(stdout).toMatch(/^\* OK .*ready\.\r\na OK [\s\S]*^\* \d+ EXISTS\r\n[\s\S]*^c OK /m);
    const client = await ImapClient.connect({ port: demo.port, tls: 'implicit' });
    await client.command('LOGIN bob secret');
    await client.command('SELECT INBOX');
    const [found = ''] = (await client.command('SEARCH LARGER 1000000')).untagged;
    const number = /^\* SEARCH (\d+)$/.exec(found)?.[1];
    const [message = ''] = (await client.command(`FETCH ${number} BODY.PEEK[]`)).untagged;
    // Not with toBe..., whose report would hold it.
    expect(message.length > 2_000_000).toBe(true);
    await client.logout();
  });

  it('explains, lists sessions and tells how it is, as it suggests', async () => {
    const client = await ImapClient.connect({ port: demo.port, tls: 'implicit' });
    await client.command('LOGIN alice secret');
    const explained = await sh(suggestion('explain'));
    expect(explained.stdout).toMatch(/in cn=staff.*: served from local[\s\S]*Let in: served/);
    expect((await sh(suggestion('sessions'))).stdout).toMatch(/ alice .* serve[\s\S]* sessions?\n/);
    expect((await sh(suggestion('status'))).stdout).toMatch(/directory +people/);
    await client.logout();
    const { code, stdout } = await runCli(['check', '--users', '--config', demo.configFile]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/people +routes\[0\] +store local +2 +alice/)]);
  });

  it('shows each login as it happens', async () => {
    const line = async (pattern: RegExp) => until(`${pattern} in:\n${demo.output}`, () => pattern.test(demo.output));
    await line(
      /^\d\d:\d\d:\d\d {2}LOGIN {4}alice from 127\.0\.0\.1 \(TLSv1\.3, PLAIN\): .*, mailboxes served here, \S+ ms$/m,
    );
    await line(/^\S+ {2}LOGIN {4}bob@example\.org from .*, LOGIN command\): password proven by LDAP/m);
    await line(/^\S+ {2}REFUSED {2}alice from .*: bad-password \(/m);
    await line(/^\S+ {2}REFUSED {2}nobody from .*: unknown-user \(/m);
    expect(demo.output).not.toContain('wrong}');
  });

  it('takes a changed configuration over by reload', async () => {
    expect((await runCli(['reload', '--config', demo.configFile])).code).toBe(0);
    await until('the reload is shown', () => /^\S+ {2}reload$/m.test(demo.output));
  });

  it('ends with everything it started, open sessions included, and leaves no file', async () => {
    const client = await ImapClient.connect({ port: demo.port, tls: 'implicit', timeout: 20_000 });
    await client.command('LOGIN alice secret');
    await client.command('SELECT INBOX');
    const processes = demo.processes();
    expect(await demo.stop('SIGINT')).toEqual({ status: 0, signal: null });
    await client.readToEnd();
    await until('all processes have ended', () => !processes.some(isAlive));
    expect(readdirSync(root)).toEqual([]);
    expect(demo.output).toMatch(/Stopping \.\.\.\n/);
  });
});

describe('postern demo --data', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'postern-demo-test-'));
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('keeps its folder, and goes on with the mail that is there', async () => {
    const folder = join(root, 'kept');
    const deep = { ...process.env, TMPDIR: join(root, 'not-used') };
    const first = await RunningDemo.start(['--port', '0', '--data', folder], deep);
    try {
      const client = await ImapClient.connect({ port: first.port, tls: 'implicit' });
      await client.command('LOGIN alice secret');
      expect((await client.command('CREATE Kept')).tagged).toMatch(/ OK /);
      await client.logout();
    } finally {
      expect((await first.stop('SIGTERM')).status).toBe(0);
    }
    const second = await RunningDemo.start(['--port', '0', '--data', folder], deep);
    try {
      // Logins of the first time are not shown again.
      expect(second.output).not.toMatch(/LOGIN {4}alice/);
      const client = await ImapClient.connect({ port: second.port, tls: 'implicit' });
      await client.command('LOGIN alice secret');
      expect((await client.command('LIST "" Kept')).untagged).toHaveLength(1);
      await client.logout();
    } finally {
      expect((await second.stop('SIGHUP')).status).toBe(0);
    }
  });
});

describe('postern demo', () => {
  it('refuses a folder that holds something else', async () => {
    const folder = new URL('.', import.meta.url).pathname;
    const before = readdirSync(folder);
    const { code, stderr } = await runCli(['demo', '--port', '0', '--data', folder]);
    expect(code).toBe(64);
    expect(stderr).toContain('is not empty, and not of an earlier demonstration');
    expect(readdirSync(folder)).toEqual(before);
  });

  it('says when its port is taken, and leaves nothing behind', async () => {
    const root = mkdtempSync(join(tmpdir(), 'postern-demo-test-'));
    const server = createServer().listen(0, '127.0.0.1');
    await until('the port is taken', () => server.listening);
    try {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const { code, stderr } = await runCli(['demo', '--port', String(port)], { env: { TMPDIR: root } });
      expect(code).toBe(1);
      expect(stderr).toMatch(/cannot listen on 127\.0\.0\.1:\d+: .*; choose another with --port\n$/);
      expect(readdirSync(root)).toEqual([]);
    } finally {
      server.close();
      rmSync(root, { recursive: true });
    }
  });

  it.each(['', 'x', '-1', '65536', '1.5', '0x10'])('does not take %j for a port', async port => {
    const { code, stderr } = await runCli(['demo', `--port=${port}`]);
    expect([code, stderr]).toEqual([64, expect.stringContaining('--port')]);
  });

  it('is what npm run demo runs', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(scripts.demo).toBe('exec node src/postern.js demo');
  });
});
