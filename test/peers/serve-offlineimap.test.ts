import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';
import { testCa } from '../support/test-ca.ts';

const execute = promisify(execFile);
const COUNT = 60;

let postern: RunningPostern | undefined;
let folder = '';
afterEach(async () => {
  await postern?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describeWithPeers(['offlineimap', 'openssl'], 'offlineimap and the embedded store', () => {
  it('synchronises two Maildirs in both directions', async () => {
    const door = await startServedDoor();
    postern = door;
    folder = mkdtempSync(join(tmpdir(), 'postern-offlineimap-'));
    const client = await enter(door);
    await client.command('CREATE "Gr&APYA3w-e/Inner"');
    for (let index = 0; index < COUNT; index += 1) {
      const text = `From: a@example.org\r\nMessage-ID: <${index}@example.org>\r\nSubject: number ${index}\r\n\r\nbody ${index}\r\n`;
      const mailbox = index % 3 === 0 ? '"Gr&APYA3w-e/Inner"' : 'INBOX';
      await client.command(`APPEND ${mailbox} (${index % 2 === 0 ? '\\Seen' : '\\Flagged'}) {${text.length}}`, text);
    }

    const one = await OfflineImap.make(folder, 'one', door.port('implicit'));
    const two = await OfflineImap.make(folder, 'two', door.port('implicit'));
    await one.sync();
    await two.sync();
    expect(one.messages()).toHaveLength(COUNT);
    expect(two.messages()).toEqual(one.messages());

    one.rename('INBOX', 'Subject: number 1\n', ':2,RS');
    one.remove('INBOX', 'Subject: number 2\n');
    one.write('INBOX', 'From: b@example.org\nMessage-ID: <local@example.org>\nSubject: written here\n\nlocal\n');
    await one.sync();
    await two.sync();
    const after = two.messages();
    expect(after).toEqual(one.messages());
    expect(after.filter(line => line.includes('Subject: written here'))).toHaveLength(1);
    expect(after.filter(line => /Subject: number 1$/.test(line))).toEqual([expect.stringMatching(/ RS /)]);
    expect(after.filter(line => /Subject: number 2$/.test(line))).toEqual([]);
    await client.logout();
  }, 120_000);
});

class OfflineImap {
  readonly #root: string;
  readonly #config: string;
  #written = 0;

  private constructor(root: string, config: string) {
    this.#root = root;
    this.#config = config;
  }

  static async make(folder: string, name: string, port: number): Promise<OfflineImap> {
    const { file } = await testCa();
    const config = join(folder, `${name}.rc`);
    const root = join(folder, name);
    writeFileSync(
      config,
      `[general]
metadata = ${folder}/${name}.meta
accounts = a
ui = quiet
socktimeout = 20
[Account a]
localrepository = local
remoterepository = remote
[Repository local]
type = Maildir
localfolders = ${root}
sep = /
[Repository remote]
type = IMAP
remotehost = localhost
remoteport = ${port}
remoteuser = alice
remotepass = secret
ssl = yes
sslcacertfile = ${file}
`,
      { mode: 0o600 },
    );
    return new OfflineImap(root, config);
  }

  async sync(): Promise<void> {
    await execute('offlineimap', ['-o', '-c', this.#config], {
      timeout: 50_000,
      env: { ...process.env, HOME: this.#root },
    });
  }

  /** "folder flags subject", whatever the UIDs. */
  messages(): string[] {
    return this.#files()
      .map(({ mailbox, name, text }) => `${mailbox} ${/:2,([A-Z]*)/.exec(name)?.[1] ?? ''} ${subjectOf(text)}`)
      .sort();
  }

  rename(mailbox: string, mark: string, flags: string): void {
    const { part, name } = this.#find(mailbox, mark);
    const path = join(this.#root, mailbox);
    renameSync(join(path, part, name), join(path, 'cur', name.replace(/(?::2,.*)?$/, flags)));
  }

  remove(mailbox: string, mark: string): void {
    const { part, name } = this.#find(mailbox, mark);
    rmSync(join(this.#root, mailbox, part, name));
  }

  write(mailbox: string, text: string): void {
    this.#written += 1;
    writeFileSync(join(this.#root, mailbox, 'cur', `1700000000.${this.#written}_1.here:2,S`), text);
  }

  #find(mailbox: string, mark: string): { part: string; name: string } {
    const file = this.#files().find(found => found.mailbox === mailbox && found.text.includes(mark));
    if (!file) throw new Error(`no message with ${mark} in ${mailbox}`);
    return file;
  }

  #files(): { mailbox: string; part: string; name: string; text: string }[] {
    return readdirSync(this.#root, { recursive: true, withFileTypes: true }).flatMap(entry => {
      const [, mailbox, part] = /^\/(.+)\/(cur|new)$/.exec(entry.parentPath.slice(this.#root.length)) ?? [];
      if (!entry.isFile() || !mailbox || !part) return [];
      const text = readFileSync(join(entry.parentPath, entry.name), 'utf8');
      return [{ mailbox, part, name: entry.name, text }];
    });
  }
}

function subjectOf(text: string): string {
  return /^Subject: .*$/m.exec(text)?.[0] ?? '';
}
