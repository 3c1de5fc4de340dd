import type { Query } from '../../src/mail/query.ts';
import { rangesHave } from '../../src/mail/uid-ranges.ts';
import { decodeWords } from '../../src/mime/encoded-word.ts';
import { findFields } from '../../src/mime/header-block.ts';
import type { Part } from '../../src/mime/structure.ts';
import { headerOf, type Letter, type MemoryMessage } from './memory-message.ts';

const DAY = 86_400_000;
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** Whether a message is what the query asks for: one key after the other, nothing prepared. */
export function matches(message: MemoryMessage, query: Query): boolean {
  const { letter, flags, uid, modseq } = message;
  switch (query.kind) {
    case 'all':
      return true;
    case 'and':
      return query.parts.every(part => matches(message, part));
    case 'or':
      return query.parts.some(part => matches(message, part));
    case 'not':
      return !matches(message, query.part);
    case 'uid':
      return rangesHave(query.uids, uid);
    case 'flag':
      return [...flags].some(flag => flag.toLowerCase() === query.name.toLowerCase());
    case 'recent':
      return uid >= query.from;
    case 'received':
      return isDay(receivedDay(letter), query);
    case 'sent':
      return isDay(sentDay(letter) ?? receivedDay(letter), query);
    case 'larger':
      return letter.octets.length > query.octets;
    case 'smaller':
      return letter.octets.length < query.octets;
    case 'header':
      return findFields(headerOf(letter), query.field).some(({ value }) => holds(decoded(value), query.text));
    case 'body':
      return holds(bodyText(letter), query.text);
    case 'text':
      return holds(decoded(unfolded(headerOf(letter))), query.text) || holds(bodyText(letter), query.text);
    case 'modseq':
      return modseq >= query.from;
  }
}

function isDay(day: number, { when, day: asked }: { when: 'before' | 'on' | 'since'; day: number }): boolean {
  if (when === 'before') return day < asked;
  return when === 'on' ? day === asked : day >= asked;
}

function receivedDay({ date }: Letter): number {
  return Math.floor((date.time + date.zone * 60_000) / DAY);
}

function sentDay(letter: Letter): number | undefined {
  const field = findFields(headerOf(letter), 'date').at(-1)?.value ?? '';
  const found = /(\d{1,2})\s+([A-Za-z]{3})\s+(\d{4})/.exec(field);
  const month = MONTHS.indexOf(found?.[2]?.toLowerCase() ?? '');
  return found && month >= 0 ? Date.UTC(Number(found[3]), month, Number(found[1])) / DAY : undefined;
}

function holds(text: string, wanted: string): boolean {
  return folded(text).includes(folded(wanted));
}

function folded(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

function decoded(wireForm: string): string {
  return decodeWords(wireForm, decodeCharset);
}

function decodeCharset(charset: string, bytes: Buffer): string | undefined {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return undefined;
  }
}

function unfolded(header: Buffer): string {
  return header.toString('latin1').replace(/\r\n(?=[ \t])/g, '');
}

/** Texts of all text parts, and the headers of attached messages. */
function bodyText(letter: Letter): string {
  return texts(letter, letter.structure.root).join('\n');
}

function texts(letter: Letter, part: Part): string[] {
  const below = part.children.flatMap(child => [
    ...(part.kind === 'message'
      ? [decoded(unfolded(letter.octets.subarray(child.header.start, child.header.end)))]
      : []),
    ...texts(letter, child),
  ]);
  return part.kind === 'text' ? [textOf(letter.octets.subarray(part.body.start, part.body.end), part)] : below;
}

function textOf(body: Buffer, { content }: Part): string {
  const encoding = content.encoding?.toLowerCase();
  const bytes =
    encoding === 'base64'
      ? Buffer.from(body.toString('latin1'), 'base64')
      : encoding === 'quoted-printable'
        ? unquoted(body.toString('latin1'))
        : body;
  const charset = content.parameters.find(({ name }) => name.toLowerCase() === 'charset')?.value ?? 'utf-8';
  return decodeCharset(charset, bytes) ?? bytes.toString('utf8');
}

function unquoted(text: string): Buffer {
  const joined = text.replace(/=[ \t]*\r?\n/g, '');
  const bytes = joined.replace(/=([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, 'latin1');
}
