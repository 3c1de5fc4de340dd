import { parseStructure } from '../../src/mime/structure-parser.ts';
import { madeUpMessage } from '../mime/corpus.ts';
import { madeUpLetter } from '../mime/corpus-letters.ts';
import { Dovecot } from '../support/dovecot.ts';
import type { ImapClient } from '../support/imap-client.ts';
import { ImapClient as Client } from '../support/imap-client.ts';
import { long } from '../support/long.ts';
import type { RunningPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';

/** Odd and broken messages, and letters in many languages. */
export const ODD = long ? 6000 : 1400;
export const LETTERS = long ? 3000 : 700;

export const CORPUS: readonly Buffer[] = [
  ...Array.from({ length: ODD }, (_, seed) => madeUpMessage(seed + 10_000, (seed % 4) * 2)),
  ...Array.from({ length: LETTERS }, (_, seed) => madeUpLetter(seed)),
].filter(message => message.length > 0);

const FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Draft', '\\Deleted', 'Work', '$Label1'];

/** Both servers with the same messages in the INBOX of alice, and a client on each. */
export class Beside {
  readonly dovecot: ImapClient;
  readonly postern: ImapClient;
  readonly #server: Dovecot;
  readonly #door: RunningPostern;

  private constructor(server: Dovecot, door: RunningPostern, dovecot: ImapClient, postern: ImapClient) {
    this.#server = server;
    this.#door = door;
    this.dovecot = dovecot;
    this.postern = postern;
  }

  static async start(): Promise<Beside> {
    const [server, door] = await Promise.all([Dovecot.start({ compress: false }), startServedDoor()]);
    const dovecot = await Client.connect({ port: server.ports.plain, timeout: 60_000 });
    await dovecot.command('LOGIN alice secret');
    const postern = await enter(door, undefined, { timeout: 60_000 });
    return new Beside(server, door, dovecot, postern);
  }

  /** What Postern and Dovecot answer to the same command. @throws when either does not say OK */
  async both(...command: readonly (string | Uint8Array)[]): Promise<readonly string[][]> {
    // Both are waited for, whatever either says: the next command must not get this one's answer.
    const [ours, theirs] = await Promise.allSettled([
      this.#one('postern', this.postern, command),
      this.#one('dovecot', this.dovecot, command),
    ]);
    for (const answer of [ours, theirs]) if (answer.status === 'rejected') throw answer.reason;
    return [ours, theirs].map(answer => (answer.status === 'fulfilled' ? answer.value : []));
  }

  /** Appends messages to a mailbox of both, with flags and dates by their places. */
  async fill(mailbox: string, messages: readonly Buffer[]): Promise<void> {
    for (const [place, message] of messages.entries()) {
      const flags = FLAGS.filter((_, flag) => place % (flag + 2) === 0).join(' ');
      const date = `${String(1 + (place % 28)).padStart(2, '0')}-${['Apr', 'May', 'Jun'][place % 3]}-2025 12:${String(place % 60).padStart(2, '0')}:07 +0000`;
      await this.both(`APPEND ${mailbox} (${flags}) "${date}" {${message.length}+}`, message);
    }
  }

  /** The lines about messages of a FETCH, Postern's and Dovecot's of the same message together. */
  async fetch(messages: string, items: string): Promise<(readonly [postern: string, dovecot: string])[]> {
    const isFetch = (line: string) => /^\* \d+ FETCH /.test(line);
    const [ours, theirs] = (await this.both(`FETCH ${messages} ${items}`)).map(lines => lines.filter(isFetch));
    if (!ours || ours.length !== theirs?.length) throw new Error(`${ours?.length} and ${theirs?.length} answers`);
    return ours.map((line, place) => [line, theirs[place] ?? '']);
  }

  async #one(name: string, client: ImapClient, command: readonly (string | Uint8Array)[]): Promise<string[]> {
    const said = `${name}, ${String(command[0]).slice(0, 300)}`;
    const { tagged, untagged } = await client.command(...command).catch((error: unknown) => {
      throw new Error(said, { cause: error });
    });
    if (!/^\S+ OK/.test(tagged)) throw new Error(`${said}: ${tagged}`);
    return [...untagged];
  }

  async end(): Promise<void> {
    this.dovecot.close();
    this.postern.close();
    await Promise.all([this.#server.remove(), this.#door.remove()]);
  }
}

/** The structure of what a message becomes when it is kept: CRLF everywhere. */
export function keptStructure(message: Buffer) {
  return parseStructure(Buffer.from(message.toString('latin1').replace(/(?<!\r)\n/g, '\r\n'), 'latin1'));
}
