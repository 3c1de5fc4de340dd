import type { ModSeq } from '../mail/ids.ts';
import type { ContentHandle } from '../mail/message.ts';
import type { Field, RowPage } from '../mail/rows.ts';
import type { Mailbox } from '../mail/store.ts';
import type { ResponseBuffer } from '../wire/response-buffer.ts';
import type { Scanner } from '../wire/scanner.ts';

/** One name that FETCH knows (RFC 9051 §6.4.5); an extension brings more. */
export interface FetchItem {
  /** In capitals; with its "[" where a section follows, so that `BODY` and `BODY[` are two. */
  readonly name: string;
  /** Reads what follows the name. @throws Malformed */
  parse(scanner: Scanner): FetchPart;
}

/** A name that stands for several items, and stands alone (RFC 9051 §6.4.5: ALL, FAST, FULL). */
export interface FetchMacro {
  readonly name: string;
  /** Names of items that need nothing behind their names. */
  readonly items: readonly string[];
}

/** An item as one command asks for it. Made for that command: it may remember what it has written. */
export interface FetchPart {
  readonly wants: readonly Field[];
  /** Reading it makes the message \Seen. */
  readonly marksSeen?: true;
  /** A feature that the client turns on by asking (RFC 7162 §3.1). */
  readonly uses?: string;
  /** Writes name and value from the row alone; false: nothing was written, `content` must be asked. */
  write?(out: ResponseBuffer, page: RowPage, row: number, view: RowView): boolean;
  /** For what is read from the message itself. */
  readonly content?: ContentPart;
}

/** What a row's value depends on besides the row. */
export interface RowView {
  isRecent(uid: number): boolean;
}

export interface ContentPart {
  /** The item's name, as it is told. */
  readonly label: string;
  /**
   * Does not read yet. @returns undefined: there is no such thing; told as NIL
   * @throws MailError `damaged`, `unavailable`
   */
  open(mailbox: Mailbox, handle: ContentHandle, signal: AbortSignal): Promise<Octets | undefined>;
}

/** Exactly `size` octets. */
export interface Octets {
  readonly size: number;
  read(): AsyncIterable<Uint8Array>;
}

/** What may follow the items in parentheses (RFC 4466 §2.4). */
export interface FetchModifier {
  readonly name: string;
  /** @throws Malformed */
  parse(scanner: Scanner): FetchLimits;
}

export interface FetchLimits {
  /** Only messages that have changed since (RFC 7162 §3.1.4.1). */
  readonly changedSince?: ModSeq;
  /** Items that are told all the same. */
  readonly parts?: readonly FetchPart[];
  readonly uses?: string;
}
