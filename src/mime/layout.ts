import type { Range } from './section.ts';
import type { Part, PartKind, Structure } from './structure.ts';
import { VarintReader, VarintWriter } from './varint.ts';

/**
 * Where the parts of a message lie, and what reading their texts needs: what is left of a `Structure` when the rest is stored as it
 * goes out. Enough for `locate` and for searching.
 */
export interface Layout {
  /** Octets of the message. */
  readonly size: number;
  readonly root: LayoutPart;
}

export interface LayoutPart {
  readonly kind: PartKind;
  /** With the empty line that ends it, if there is one. */
  readonly header: Range;
  readonly body: Range;
  /** `text/plain`, lower case; undefined: none was given, or none that can be read. */
  readonly type: string | undefined;
  /** The charset parameter of a text, lower case. */
  readonly charset: string | undefined;
  /** Content-Transfer-Encoding, lower case. */
  readonly encoding: string | undefined;
  readonly children: readonly LayoutPart[];
}

/** The first octet. */
const FORM = 1;
/** Deeper than any structure, so that damaged octets cannot exhaust the stack. */
const DEEPEST = 1000;
/** Longest name of a type, charset or encoding that is kept. */
const NAME_MOST = 100;

// Places in these lists are stored: append only.
const KINDS = ['text', 'multipart', 'message', 'other'] as const satisfies readonly PartKind[];
const NAMES: readonly (string | undefined)[] = [
  undefined,
  'text/plain',
  'text/html',
  'multipart/mixed',
  'multipart/alternative',
  'multipart/related',
  'multipart/signed',
  'multipart/report',
  'message/rfc822',
  'application/octet-stream',
  'application/pdf',
  'image/jpeg',
  'image/png',
  'image/gif',
  'text/calendar',
  'us-ascii',
  'utf-8',
  'iso-8859-1',
  'iso-8859-15',
  'windows-1252',
  '7bit',
  '8bit',
  'binary',
  'quoted-printable',
  'base64',
];
const CODES = new Map(NAMES.map((name, code) => [name, code]));
/** A name that is not in the list, spelled out. */
const SPELLED = 127;

/** Ten octets or so for each part. */
export function encodeLayout({ root }: Structure): Buffer {
  const out = new VarintWriter();
  out.octet(FORM);
  encodePart(root, 0, out);
  return out.finish();
}

function encodePart({ kind, header, body, content, children }: Part, before: number, out: VarintWriter): void {
  out.octet(KINDS.indexOf(kind));
  // Where a delimiter follows at once, a part may begin before the place it was announced for.
  out.signed(header.start - before);
  out.unsigned(header.end - header.start);
  out.signed(body.start - header.end);
  out.unsigned(body.end - body.start);
  const { type, subtype, parameters, encoding } = content;
  encodeName(type === undefined ? undefined : `${type}/${subtype ?? ''}`, out);
  const charset = parameters.find(({ name }) => /^charset\*?$/i.test(name));
  encodeName(kind === 'text' && charset ? charsetName(charset) : undefined, out);
  encodeName(encoding, out);
  out.unsigned(children.length);
  let at = body.start;
  for (const child of children) {
    encodePart(child, at, out);
    at = child.body.end;
  }
}

/** RFC 2231 §4 allows "charset*=us-ascii'en'utf-8", which nobody means. */
function charsetName({ name, value }: { readonly name: string; readonly value: string }): string {
  return name.endsWith('*') ? value.replace(/^[^']*'[^']*'/, '') : value;
}

function encodeName(name: string | undefined, out: VarintWriter): void {
  const short = name?.slice(0, NAME_MOST).toLowerCase();
  const code = CODES.get(short);
  if (code !== undefined) out.octet(code);
  else {
    out.octet(SPELLED);
    out.text(short ?? '');
  }
}

/** @throws RangeError when the octets are no layout: they were damaged, or written by a later version */
export function decodeLayout(octets: Uint8Array): Layout {
  const input = new VarintReader(octets);
  if (input.octet() !== FORM) throw new RangeError('a layout in a form that is not known');
  const root = decodePart(input, 0, 0);
  input.end();
  return { size: root.body.end, root };
}

function decodePart(input: VarintReader, before: number, depth: number): LayoutPart {
  const kind = KINDS[input.octet()];
  if (kind === undefined || depth > DEEPEST) throw new RangeError('a layout with an impossible part');
  const header = extent(before + input.signed(), input.unsigned());
  const body = extent(header.end + input.signed(), input.unsigned());
  const type = decodeName(input);
  const charset = decodeName(input);
  const encoding = decodeName(input);
  const count = input.unsigned();
  const children: LayoutPart[] = [];
  let at = body.start;
  for (let child = 0; child < count; child += 1) {
    const part = decodePart(input, at, depth + 1);
    children.push(part);
    at = part.body.end;
  }
  return { kind, header, body, type, charset, encoding, children };
}

function extent(start: number, length: number): Range {
  if (start < 0 || !Number.isSafeInteger(start + length)) throw new RangeError('a layout with an impossible place');
  return { start, end: start + length };
}

function decodeName(input: VarintReader): string | undefined {
  const code = input.octet();
  if (code === SPELLED) return input.text(NAME_MOST);
  if (code >= NAMES.length) throw new RangeError('a layout with a name that is not known');
  return NAMES[code];
}
