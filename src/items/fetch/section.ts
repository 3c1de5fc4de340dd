import type { Section } from '../../mail/message.ts';
import { Malformed } from '../../wire/malformed.ts';
import type { Scanner } from '../../wire/scanner.ts';

const SPEC = /[0-9A-Za-z.]*/y;
/** RFC 9051 §9, section-spec: part numbers, and what is wanted of what they lead to; MIME only behind numbers. */
const PATH = /^((?:[1-9]\d{0,8}\.)*[1-9]\d{0,8})(?:\.(HEADER|HEADER\.FIELDS|HEADER\.FIELDS\.NOT|TEXT|MIME))?$/i;
const WHOLE = /^(?:HEADER|HEADER\.FIELDS|HEADER\.FIELDS\.NOT|TEXT)?$/i;
// RFC 9051 §9: nz-number for the length, so that "<0.0>" is none.
const PARTIAL = /<(\d{1,15})\.([1-9]\d{0,14})>/y;
/** RFC 5322 §2.2: printable, and no colon. */
const FIELD_NAME = /^[\x21-\x39\x3b-\x7e]+$/;
/** Characters that need quotes in an astring (RFC 9051 §9). */
const QUOTED = /[(){"%*\\]/;

export interface SectionAsked {
  readonly section: Section;
  /** Between the brackets, as it is told. */
  readonly text: string;
}

/** A section up to its "]"; the "[" was taken. @throws Malformed */
export function scanSection(scanner: Scanner): SectionAsked {
  const spec = scanner.token(SPEC, 'a section');
  const match = PATH.exec(spec);
  if (!match && !WHOLE.test(spec)) throw new Malformed('a section was expected');
  const path = (match?.[1]?.split('.') ?? []).map(Number);
  const want = (match ? (match[2] ?? '') : spec).toUpperCase();
  if (want !== 'HEADER.FIELDS' && want !== 'HEADER.FIELDS.NOT') {
    scanner.take(']');
    return { section: { path, want: { kind: KINDS[want] ?? 'all' } }, text: spec.toUpperCase() };
  }
  scanner.space();
  const names = scanner.list(() => scanFieldName(scanner));
  if (names.length === 0) throw new Malformed('the name of a header field was expected');
  scanner.take(']');
  return {
    section: { path, want: { kind: 'fields', names, except: want === 'HEADER.FIELDS.NOT' } },
    text: `${spec.toUpperCase()} (${names.map(quoteWhereNeeded).join(' ')})`,
  };
}

const KINDS: Readonly<Record<string, 'all' | 'header' | 'text' | 'mime'>> = {
  HEADER: 'header',
  TEXT: 'text',
  MIME: 'mime',
};

export interface Partial {
  readonly offset: number;
  readonly length: number;
}

/** `<offset.length>`, if there is one. @throws Malformed */
export function scanPartial(scanner: Scanner): Partial | undefined {
  if (scanner.peek() !== '<') return undefined;
  const [offset, length] = scanner.token(PARTIAL, 'an offset and a length').slice(1, -1).split('.');
  return { offset: Number(offset), length: Number(length) };
}

/** header-fld-name. @throws Malformed for what no field is called */
function scanFieldName(scanner: Scanner): string {
  const name = scanner.astring('the name of a header field');
  if (!FIELD_NAME.test(name)) throw new Malformed('the name of a header field was expected');
  return name;
}

function quoteWhereNeeded(name: string): string {
  return QUOTED.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
}
