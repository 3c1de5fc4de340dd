import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { enter, startServedDoor } from '../support/served-door.ts';
import { testCa } from '../support/test-ca.ts';

const execute = promisify(execFile);

let postern: RunningPostern | undefined;
let terminal: Terminal | undefined;
let folder = '';
afterEach(async () => {
  await terminal?.close();
  await postern?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A program on a screen that can be looked at. */
class Terminal {
  readonly #socket: string;

  private constructor(socket: string) {
    this.#socket = socket;
  }

  static async open(folder: string, command: string): Promise<Terminal> {
    const terminal = new Terminal(join(folder, 'tmux'));
    await terminal.#tmux('new-session', '-d', '-x', '110', '-y', '30', command);
    return terminal;
  }

  async shows(text: string | RegExp): Promise<void> {
    let screen = '';
    const look = async () => {
      screen = await this.#tmux('capture-pane', '-p');
      return typeof text === 'string' ? screen.includes(text) : text.test(screen);
    };
    try {
      await until(`${text} on the screen`, look, 10_000);
    } catch (error) {
      throw new Error(`no ${text} on the screen:\n${screen}`, { cause: error });
    }
  }

  async type(...keys: readonly string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => '');
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    const env = { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8', HOME: join(this.#socket, '..') };
    const { stdout } = await execute('tmux', ['-S', this.#socket, '-f', '/dev/null', ...args], {
      timeout: 10_000,
      env,
    });
    return stdout;
  }
}

describeWithPeers(['neomutt', 'tmux', 'openssl'], 'neomutt and the embedded store', () => {
  it('shows the mailbox, reads, flags, deletes, and is told of what arrives', async () => {
    const door = await startServedDoor();
    postern = door;
    folder = mkdtempSync(join(tmpdir(), 'postern-neomutt-'));
    const client = await enter(door);
    const append = async (subject: string, body: string) => {
      const text = `From: Ada <ada@example.org>\r\nSubject: ${subject}\r\nDate: Mon, 02 Feb 2026 10:00:00 +0000\r\n\r\n${body}\r\n`;
      await client.command(`APPEND INBOX {${text.length}}`, text);
    };
    await append('the first letter', 'inside of the first');
    await append('=?utf-8?q?the_second_gr=C3=BC=C3=9Ft?=', 'inside of the first');
    const { file } = await testCa();
    const rc = join(folder, 'rc');
    writeFileSync(
      rc,
      `set folder = "imaps://alice@localhost:${door.port('implicit')}/"
set spool_file = "+INBOX"
set imap_pass = "secret"
set ssl_ca_certificates_file = "${file}"
set imap_idle = yes
set timeout = 1
set mail_check = 1
set delete = yes
set confirm_append = no
set sort = mailbox-order
`,
    );
    terminal = await Terminal.open(folder, `neomutt -n -F ${rc}`);
    await terminal.shows(/the first letter[\s\S]*the second grüßt/);
    await terminal.type('Enter');
    await terminal.shows('inside of the first');
    await terminal.type('q');
    await append('the third letter', 'inside of the third');
    await terminal.shows('the third letter');
    await terminal.type('1', 'Enter');
    await terminal.type('d');
    await terminal.type('$');
    await until('the first letter is expunged', async () => {
      const { untagged } = await client.command('STATUS INBOX (MESSAGES)');
      return untagged.some(line => line.includes('MESSAGES 2'));
    });
    await client.command('SELECT INBOX');
    const { untagged } = await client.command('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
    expect(untagged.join()).toContain('the third letter');
    expect(untagged.join()).not.toContain('the first letter');
    await client.logout();
  });
});
