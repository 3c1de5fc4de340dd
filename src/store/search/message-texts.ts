import { isAscii } from 'node:buffer';
import type { TextExtent } from '../../mime/text-extents.ts';
import { openTransferDecoder } from '../../mime/transfer-decoder.ts';
import { type CharsetDecoder, decodeCharset, guess, openDecoder } from './charset.ts';
import { fold } from './fold.ts';
import { headerText } from './header-fields.ts';

/** Octets of one message, found by place. */
export interface MessageOctets {
  /** Octets `start` to before `end`, in pieces of at most a few hundred KB that live until the next one. */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
}

export interface TextPiece {
  /** Folded. */
  readonly text: string;
  readonly isLast: boolean;
}

/** Fields longer than this are cut. */
const FIELD_MOST = 1024 * 1024;
/** How far back a place to cut a text is looked for, in characters. */
const LOOK_BACK = 1000;
const LF = 10;
const SPACE = 32;
const TAB = 9;

/** In which ASCII's octets may mean something else. */
const NOT_ASCII = /^(?:utf-?7|utf-?16|utf-?32|ucs-?[24]|iso-10646|unicode|iso-2022|csiso2022|hz-|csunicode)/i;

/** A text as it is compared, piece by piece, decoded as its extent says. */
export async function* textPieces(octets: MessageOctets, extent: TextExtent): AsyncGenerator<TextPiece> {
  const { start, end, encoding, charset = '' } = extent;
  const transfer = openTransferDecoder(encoding);
  let decoder: CharsetDecoder | undefined;
  let held = '';
  let at = start;
  for await (const piece of octets.read(start, end)) {
    at += piece.length;
    const decoded = transfer.write(piece);
    if (at >= end && !decoder) {
      yield { text: foldedOctets(charset, joined(decoded, transfer.end())), isLast: true };
      return;
    }
    decoder ??= openDecoder(charset);
    const text = held + decoder.write(buffer(decoded));
    const cut = cutBefore(text);
    held = text.slice(cut);
    yield { text: fold(text.slice(0, cut)), isLast: false };
  }
  if (decoder) yield { text: fold(held + decoder.write(buffer(transfer.end())) + decoder.end()), isLast: true };
}

/** Whole fields of a header, as many at a time as came together. */
export async function* fieldBlocks(
  octets: MessageOctets,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array = new Uint8Array(0);
  let at = start;
  for await (const piece of octets.read(start, end)) {
    at += piece.length;
    const block = joined(held, piece);
    const cut = at >= end || block.length > FIELD_MOST ? block.length : lastField(block);
    held = block.slice(cut);
    if (cut > 0) yield block.subarray(0, cut);
  }
  if (held.length > 0) yield held;
}

/** A header as it is compared. */
export async function* headerPieces(octets: MessageOctets, extent: TextExtent): AsyncGenerator<TextPiece> {
  for await (const block of fieldBlocks(octets, extent)) yield { text: headerText(block), isLast: true };
}

function foldedOctets(charset: string, octets: Uint8Array): string {
  const bytes = buffer(octets);
  if (isAscii(bytes) && !NOT_ASCII.test(charset)) return bytes.toString('latin1').toUpperCase();
  return fold(decodeCharset(charset, bytes) ?? guess(bytes));
}

/** Where a text may be cut so that both sides fold as the whole does: a mark belongs to the letter before it. */
function cutBefore(text: string): number {
  for (let at = text.length - 1; at > 0 && at > text.length - LOOK_BACK; at -= 1) {
    if (text.charCodeAt(at) < 0x80) return at;
  }
  return text.length > LOOK_BACK ? text.length : 0;
}

/** Where the last field of a block begins, which may go on. */
function lastField(block: Uint8Array): number {
  for (
    let lf = block.lastIndexOf(LF, block.length - 2);
    lf !== -1;
    lf = lf === 0 ? -1 : block.lastIndexOf(LF, lf - 1)
  ) {
    const after = block[lf + 1];
    if (after !== SPACE && after !== TAB) return lf + 1;
  }
  return 0;
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array {
  if (one.length === 0) return two;
  return two.length === 0 ? one : Buffer.concat([one, two]);
}

function buffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
}
