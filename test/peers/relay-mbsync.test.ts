import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import type { Dovecot } from '../support/dovecot.ts';
import { long } from '../support/long.ts';
import { describeWithPeers } from '../support/peers.ts';
import { clear, complaints, nobodyLeft, RelayStand, tls } from '../support/relay-stand.ts';
import { testCa } from '../support/test-ca.ts';

const UPSTREAMS = [
  ['plaintext', long ? 20_000 : 5000],
  ['TLS', long ? 20_000 : 1000],
] as const;
/** Names in modified UTF-7 (RFC 3501 §5.1.3), as on the server's disk; mbsync 1.4 takes them as they are. */
const FILLED = ['INBOX', 'Archive/2025', 'Entw&APw-rfe', '&ZeVnLIqe-', 'Odd &- ends'];
/** For one run of mbsync. */
const PATIENCE_MS = long ? 300_000 : 60_000;
const FLAGS = ['', 'S', 'RS', 'FS', 'DS', 'DFRS'];

const execute = promisify(execFile);
const stand = new RelayStand();
afterEach(() => stand.close());

describeWithPeers(['dovecot', 'mbsync', 'openssl'], 'mbsync', () => {
  for (const [kind, count] of UPSTREAMS) {
    it(
      `sees the same through Postern as directly: ${count} messages, ${kind} upstream`,
      async () => {
        const dovecot = await stand.dovecot();
        const upstream = kind === 'TLS' ? tls(dovecot) : clear(dovecot);
        const postern = await stand.postern({ upstreams: { store: upstream } });
        fill(dovecot, count);
        const folder = mkdtempSync(join(tmpdir(), 'postern-mbsync-'));
        stand.onClose(() => rmSync(folder, { recursive: true, force: true }));
        const direct = await Mirror.make(folder, 'direct', dovecot.ports.plain, 'None');
        const relayed = await Mirror.make(folder, 'relayed', postern.port('implicit'), 'IMAPS');

        await Promise.all([direct.sync(), relayed.sync()]);
        expectSame(direct, relayed);
        const first = relayed.contents();
        expect(first.size).toBe(count);
        expect(new Set([...first.keys()].map(key => key.split('\0')[0]))).toEqual(new Set(FILLED));
        expect(relayed.has('Empty')).toBe(true);
        expect(new Set([...first.values()].map(({ flags }) => flags))).toEqual(new Set(FLAGS));

        // What changes at the server reaches both, and what changes here reaches the server through Postern.
        dovecot.deliver('alice', message(1_000_000), 'Entw&APw-rfe');
        relayed.flagAndRemove('INBOX');
        relayed.add('&ZeVnLIqe-', message(1_000_001));
        await relayed.sync();
        await direct.sync();
        await relayed.sync();
        expectSame(direct, relayed);
        const second = relayed.contents();
        expect(second.size).toBe(first.size + 1);
        expect([...second.values()].filter(({ flags }) => flags === 'FP')).toHaveLength(1);
        await nobodyLeft(postern);
        expect(complaints(postern)).toEqual([]);
      },
      2 * PATIENCE_MS,
    );
  }
});

function expectSame(direct: Mirror, relayed: Mirror): void {
  const [one, other] = [direct.contents(), relayed.contents()];
  // Told apart first: a whole mailbox would be printed otherwise.
  const differing = [...one.keys(), ...other.keys()].filter(
    key => JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key)),
  );
  expect(differing.slice(0, 5)).toEqual([]);
}

function fill(dovecot: Dovecot, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const mailbox = FILLED[index % FILLED.length] ?? 'INBOX';
    const path = dovecot.deliver('alice', message(index), mailbox);
    // INTERNALDATE: mbsync keeps it.
    const received = 1_500_000_000 + index * 1000;
    utimesSync(path, received, received);
    const flags = FLAGS[index % FLAGS.length];
    if (flags) renameSync(path, `${path.replace(/\/new\/([^/]+)$/, '/cur/$1')}:2,${flags}`);
  }
  unlinkSync(dovecot.deliver('alice', message(0), 'Empty'));
}

/** Sizes from a line to some hundred kilobytes, with 8-bit text, long lines, and lines that look like protocol. */
function message(index: number): Buffer {
  const head = `From: a${index}@example.org\r\nMessage-ID: <${index}@example.org>\r\nSubject: number ${index}\r\n\r\n`;
  const lines = [`body ${index}\r\n`, ') \r\n', 'a1 OK done\r\n* BYE\r\n', 'grüße {12+}\r\n', `${'x'.repeat(950)}\r\n`];
  const body = Array.from({ length: index % 23 }, (_, at) => lines[(index + at) % lines.length]).join('');
  const big = index % 997 === 996 ? `${'0123456789'.repeat(7)}\r\n`.repeat(5000) : '';
  return Buffer.from(`${head}${body}${big}`, 'utf8');
}

interface Mirrored {
  readonly flags: string;
  readonly hash: string;
  /** INTERNALDATE in seconds. */
  readonly received: number;
}

/** What mbsync has made of a mail server in a folder here. */
class Mirror {
  readonly #root: string;
  readonly #config: string;

  private constructor(root: string, config: string) {
    this.#root = root;
    this.#config = config;
  }

  static async make(folder: string, name: string, port: number, ssl: 'None' | 'IMAPS'): Promise<Mirror> {
    const root = join(folder, name);
    mkdirSync(root);
    const config = join(folder, `${name}.rc`);
    const { file } = await testCa();
    writeFileSync(
      config,
      [
        `IMAPAccount a\nHost localhost\nPort ${port}\nUser alice\nPass secret\nSSLType ${ssl}`,
        ...(ssl === 'IMAPS' ? [`CertificateFile ${file}\nSystemCertificates no`] : []),
        '\nIMAPStore far\nAccount a\n',
        `MaildirStore near\nPath ${root}/\nInbox ${root}/INBOX\nSubFolders Verbatim\n`,
        'Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nExpunge Both\nSync All\nCopyArrivalDate yes',
        `SyncState ${root}/.state-\n`,
      ].join('\n'),
      { mode: 0o600 },
    );
    return new Mirror(root, config);
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
