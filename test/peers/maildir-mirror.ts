import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { long } from '../support/long.ts';
import { testCa } from '../support/test-ca.ts';

/** For one run of mbsync. */
export const PATIENCE_MS = long ? 300_000 : 60_000;
/** Names in modified UTF-7 (RFC 3501 §5.1.3); mbsync 1.4 takes them as they are. */
export const FILLED = ['INBOX', 'Archive/2025', 'Entw&APw-rfe', '&ZeVnLIqe-', 'Odd &- ends'];
/** As Maildir has them. */
export const FLAGS = ['', 'S', 'RS', 'FS', 'DS', 'DFRS'];

const execute = promisify(execFile);

/** Sizes from a line to some hundred kilobytes, with 8-bit text, long lines, and lines that look like protocol. */
export function mirroredMessage(index: number): Buffer {
  const head = `From: a${index}@example.org\r\nMessage-ID: <${index}@example.org>\r\nSubject: number ${index}\r\n\r\n`;
  const lines = [`body ${index}\r\n`, ') \r\n', 'a1 OK done\r\n* BYE\r\n', 'grüße {12+}\r\n', `${'x'.repeat(950)}\r\n`];
  const body = Array.from({ length: index % 23 }, (_, at) => lines[(index + at) % lines.length]).join('');
  const big = index % 997 === 996 ? `${'0123456789'.repeat(7)}\r\n`.repeat(5000) : '';
  return Buffer.from(`${head}${body}${big}`, 'utf8');
}

export interface Mirrored {
  readonly flags: string;
  readonly hash: string;
  /** INTERNALDATE in seconds. */
  readonly received: number;
}

/** What mbsync has made of a mail server in a folder here. */
export class MaildirMirror {
  readonly #root: string;
  readonly #config: string;
  #put = 0;

  private constructor(root: string, config: string) {
    this.#root = root;
    this.#config = config;
  }

  static async make(
    folder: string,
    name: string,
    port: number,
    ssl: 'None' | 'IMAPS',
    create: 'Near' | 'Both' = 'Near',
  ): Promise<MaildirMirror> {
    const root = join(folder, name);
    mkdirSync(root);
    const config = join(folder, `${name}.rc`);
    const { file } = await testCa();
    writeFileSync(
      config,
      [
        // Whether its copy survives a power failure is not the question here.
        'FSync no\n',
        `IMAPAccount a\nHost localhost\nPort ${port}\nUser alice\nPass secret\nSSLType ${ssl}`,
        ...(ssl === 'IMAPS' ? [`CertificateFile ${file}\nSystemCertificates no`] : []),
        '\nIMAPStore far\nAccount a\n',
        `MaildirStore near\nPath ${root}/\nInbox ${root}/INBOX\nSubFolders Verbatim\n`,
        `Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate ${create}\nExpunge Both\nSync All\nCopyArrivalDate yes`,
        `SyncState ${root}/.state-\n`,
      ].join('\n'),
      { mode: 0o600 },
    );
    return new MaildirMirror(root, config);
  }

  async sync(): Promise<void> {
    await execute('mbsync', ['-c', this.#config, '-q', 'c'], {
      env: { ...process.env, HOME: this.#root },
      timeout: PATIENCE_MS,
    });
  }

  /** Every message by mailbox and UID. */
  contents(): Map<string, Mirrored> {
    const found = new Map<string, Mirrored>();
    for (const entry of readdirSync(this.#root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\/(?:cur|new)$/.test(entry.parentPath)) continue;
      const { uid, flags } = /,U=(?<uid>\d+)(?::2,(?<flags>[A-Z]*))?$/.exec(entry.name)?.groups ?? {};
      if (uid === undefined) throw new Error(`mbsync wrote ${entry.name}, which tells no UID`);
      const path = join(entry.parentPath, entry.name);
      // mbsync's own mark, random for each copy.
      const content = readFileSync(path, 'latin1').replace(/^X-TUID: .*\r?\n/m, '');
      const mailbox = entry.parentPath.slice(this.#root.length + 1).replace(/\/(?:cur|new)$/, '');
      found.set(`${mailbox}\0${uid}`, {
        flags: flags ?? '',
        hash: createHash('sha256').update(content, 'latin1').digest('hex'),
        received: Math.floor(statSync(path).mtimeMs / 1000),
      });
    }
    return found;
  }

  has(mailbox: string): boolean {
    return existsSync(join(this.#root, mailbox, 'cur'));
  }

  /** Puts a message here that mbsync has not seen. @param received INTERNALDATE in seconds */
  put(mailbox: string, content: Uint8Array, flags: string, received: number): void {
    const box = join(this.#root, mailbox);
    for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(box, part), { recursive: true });
    this.#put += 1;
    const path = join(box, 'cur', `${received}.${this.#put}_1.postern:2,${flags}`);
    writeFileSync(path, Buffer.from(content).toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
    utimesSync(path, received, received);
  }

  /** What is here, whatever its UIDs are, in an order of its own. */
  messages(): string[] {
    const found = [...this.contents()].map(([key, { flags, hash, received }]) => {
      return `${key.split('\0')[0]} ${hash} ${flags} ${received}`;
    });
    return found.sort();
  }

  /** Sets flags on one message of a mailbox and marks another as deleted. */
  flagAndRemove(mailbox: string): void {
    const cur = join(this.#root, mailbox, 'cur');
    const [one = '', two = ''] = readdirSync(cur).sort();
    renameSync(join(cur, one), join(cur, one.replace(/:2,.*$/, ':2,FP')));
    renameSync(join(cur, two), join(cur, two.replace(/:2,.*$/, ':2,ST')));
  }

  add(mailbox: string, content: Uint8Array): void {
    const path = join(this.#root, mailbox, 'cur');
    writeFileSync(
      join(path, `1700000000.1_1.postern:2,S`),
      Buffer.from(content).toString('latin1').replaceAll('\r\n', '\n'),
      'latin1',
    );
  }
}
