import { createHash } from 'node:crypto';
import { systemFlag } from '../../src/mail/flags.ts';
import type { ModSeq, Uid } from '../../src/mail/ids.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import type { Content, NewMessage, Section, ZonedDate } from '../../src/mail/message.ts';
import { encodeBodyStructure } from '../../src/mime/encode-body-structure.ts';
import { encodeEnvelope } from '../../src/mime/encode-envelope.ts';
import { selectFields } from '../../src/mime/header-block.ts';
import { locate } from '../../src/mime/section.ts';
import type { Structure } from '../../src/mime/structure.ts';
import { parseStructure } from '../../src/mime/structure-parser.ts';

/** What is the same for all copies of a message. */
export interface Letter {
  readonly octets: Buffer;
  readonly structure: Structure;
  readonly envelope: Buffer;
  readonly body: Buffer;
  readonly bodyStructure: Buffer;
  readonly emailId: string;
  readonly date: ZonedDate;
}

/** A message in a mailbox. */
export interface MemoryMessage {
  readonly uid: Uid;
  readonly letter: Letter;
  readonly saved: number;
  /** System flags as in SYSTEM_FLAGS, keywords as the mailbox's table spells them. */
  flags: ReadonlySet<string>;
  modseq: ModSeq;
}

/** @throws Error when the source has not as many octets as announced; whatever the source throws */
export async function readLetter({ size, source, date }: NewMessage, number: number): Promise<Letter> {
  const chunks: Uint8Array[] = [];
  let read = 0;
  for await (const chunk of source) {
    chunks.push(Uint8Array.from(chunk));
    read += chunk.length;
    if (read > size) break;
  }
  if (read !== size) throw new Error(`${read} octets came where ${size} were announced`);
  const text = Buffer.concat(chunks).toString('latin1');
  return letterOf(Buffer.from(text.replace(/(?<!\r)\n/g, '\r\n'), 'latin1'), date, number);
}

export function letterOf(octets: Buffer, date: ZonedDate, number: number): Letter {
  const structure = parseStructure(octets);
  const { envelope } = structure.root;
  if (!envelope) throw new Error('a message without an envelope');
  return {
    octets,
    structure,
    envelope: encodeEnvelope(envelope),
    body: encodeBodyStructure(structure, { extended: false }),
    bodyStructure: encodeBodyStructure(structure),
    emailId: `M${createHash('sha256').update(`${number}`).digest('hex').slice(0, 16)}`,
    date,
  };
}

/** The header of the message itself, with the empty line. */
export function headerOf({ octets, structure }: Letter): Buffer {
  return octets.subarray(structure.root.header.start, structure.root.header.end);
}

export function sectionOf({ octets, structure }: Letter, section: Section): Content | undefined {
  const located = locate(structure, section);
  if (!located) return undefined;
  const whole = Buffer.concat(located.ranges.map(({ start, end }) => octets.subarray(start, end)));
  const bytes = located.fields ? selectFields(whole, located.fields.names, located.fields.except) : whole;
  return {
    size: bytes.length,
    async *read(start = 0, end = bytes.length) {
      for (let at = start; at < Math.min(end, bytes.length); at += 1000)
        yield Uint8Array.from(bytes.subarray(at, Math.min(at + 1000, end)));
    },
  };
}

/** The mailbox's keywords: the first spelling stays; a place that no message uses may be taken again. */
export class KeywordTable {
  readonly names: string[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(messages: readonly MemoryMessage[]): boolean {
    return this.names.length < this.#most || this.names.some(name => !isUsed(name, messages));
  }

  /**
   * Flags as this table spells them, those it does not have yet added.
   * @throws MailError `limit`; nothing is added then
   */
  spell(flags: Iterable<string>, messages: readonly MemoryMessage[]): Set<string> {
    const names = [...this.names];
    const spelled = new Set<string>();
    for (const flag of flags) {
      const known = systemFlag(flag) ?? spelling(names, flag);
      if (known !== undefined) spelled.add(known);
      else {
        const free = names.findIndex(name => !spelled.has(name) && !isUsed(name, messages));
        if (names.length < this.#most) names.push(flag);
        else if (free >= 0) names[free] = flag;
        else throw new MailError('limit', 'too many keywords');
        spelled.add(flag);
      }
    }
    this.names.splice(0, this.names.length, ...names);
    return spelled;
  }

  /** As `spell`, of those it has. */
  known(flags: Iterable<string>): Set<string> {
    return new Set([...flags].flatMap(flag => systemFlag(flag) ?? spelling(this.names, flag) ?? []));
  }
}

function spelling(names: readonly string[], flag: string): string | undefined {
  return names.find(name => name.toLowerCase() === flag.toLowerCase());
}

function isUsed(name: string, messages: readonly MemoryMessage[]): boolean {
  return messages.some(({ flags }) => flags.has(name));
}
