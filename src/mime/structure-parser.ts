import { Boundaries, type Delimiter } from './boundaries.ts';
import { NO_CONTENT, type Reading, readContent } from './content.ts';
import { readEnvelope } from './envelope.ts';
import { DEFAULT_LIMITS, type Meter, type MimeLimits } from './limits.ts';
import { LineCutter } from './line-cutter.ts';
import { type Draft, finished, type Mark, nestedIn, openPart } from './part-draft.ts';
import type { Structure } from './structure.ts';
import { type Kept, WantedFields } from './wanted-fields.ts';

const CR = 13;
const LF = 10;

export interface ParserOptions {
  /** Those not given are the defaults. */
  readonly limits?: Partial<MimeLimits>;
  /** Counts the work. */
  readonly meter?: Meter;
}

/**
 * Finds the structure of a message while its bytes pass: `push` them in chunks of any size, then `finish`. How they are split makes no
 * difference. Nothing is kept but offsets and the fields that ENVELOPE and BODYSTRUCTURE need. No input is an error.
 */
export class StructureParser {
  readonly #limits: MimeLimits;
  readonly #reading: Reading;
  readonly #boundaries: Boundaries<Draft>;
  readonly #cutter: LineCutter;
  readonly #kept: Kept = { bytes: 0 };
  readonly #root: Draft;
  /** The part whose header or body the next line belongs to. */
  #part: Draft;
  /** The fields of the header we are in; undefined in a body. */
  #header: WantedFields | undefined;
  #parts = 1;
  #offset = 0;
  #lines = 0;
  #bare = 0;
  /** Length of the line end before this line, 0 when it must not be given to a delimiter. */
  #lineEnd = 0;

  constructor({ limits, meter = { steps: 0 } }: ParserOptions = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#reading = { limits: this.#limits, cut: new Set(), meter, addressesLeft: this.#limits.addresses };
    this.#boundaries = new Boundaries(meter);
    this.#root = openPart(undefined, this.#mark());
    this.#part = this.#root;
    this.#header = this.#fieldsOf(this.#part);
    this.#cutter = new LineCutter(
      (bytes, start, end, length, last) => this.#line(bytes, start, end, length, last),
      () => (this.#header ? this.#header.room : this.#limits.boundary + 8),
    );
  }

  /** Bytes pushed so far. */
  get size(): number {
    return this.#offset;
  }

  push(chunk: Uint8Array): void {
    this.#cutter.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  /** After the last byte. The parser is of no use afterwards. */
  finish(): Structure {
    this.#cutter.end();
    while (this.#header) this.#endHeader();
    const end = this.#mark();
    for (let part: Draft | undefined = this.#part; part; part = part.parent) part.bodyEnd = end;
    return { size: this.#offset, root: finished(this.#root), cut: [...this.#reading.cut] };
  }

  #line(bytes: Buffer, start: number, end: number, length: number, last: number): void {
    this.#reading.meter.steps += 1;
    const delimiter = this.#boundaries.isEmpty ? undefined : this.#boundaries.match(bytes, start, end);
    const ended = bytes[end - 1] === LF || last !== -1;
    if (delimiter && (delimiter.closes || this.#partsAreLeft())) {
      this.#delimit(delimiter, length, last, ended);
      return;
    }
    if (!this.#header) {
      this.#advance(length, last, ended);
      return;
    }
    const isEmpty = ended && (length === 1 || (length === 2 && last === CR));
    if (!isEmpty) this.#header.line(bytes, start, end);
    this.#advance(length, last, ended);
    // RFC 2046 §5.1.1: where a delimiter follows at once, it is this empty line that belongs to the delimiter.
    if (isEmpty) this.#endHeader();
  }

  #advance(length: number, last: number, ended: boolean): void {
    this.#offset += length;
    this.#lineEnd = 0;
    if (!ended) return;
    this.#lines += 1;
    if (last !== CR) this.#bare += 1;
    this.#lineEnd = last === CR ? 2 : 1;
  }

  #mark(): Mark {
    return { offset: this.#offset, lines: this.#lines, bare: this.#bare };
  }

  #delimit(delimiter: Delimiter<Draft>, length: number, last: number, ended: boolean): void {
    const before = this.#beforeLineEnd();
    while (this.#header) this.#endHeader(before);
    for (let part = this.#part; part !== delimiter.owner && part.parent; part = part.parent) endAt(part, before);
    this.#boundaries.closeTo(delimiter);
    this.#advance(length, last, ended);
    this.#lineEnd = 0;
    this.#part = delimiter.owner;
    if (delimiter.closes) return;
    this.#parts += 1;
    this.#part = openPart(delimiter.owner, this.#mark());
    this.#header = this.#fieldsOf(this.#part);
  }

  /** The end of a part before a delimiter: the line end belongs to that (RFC 2046 §5.1.1). */
  #beforeLineEnd(): Mark {
    const { offset, lines, bare } = this.#mark();
    if (this.#lineEnd === 0) return { offset, lines, bare };
    return { offset: offset - this.#lineEnd, lines: lines - 1, bare: bare - (this.#lineEnd === 1 ? 1 : 0) };
  }

  #partsAreLeft(): boolean {
    if (this.#parts < this.#limits.parts) return true;
    this.#reading.cut.add('parts');
    return false;
  }

  #fieldsOf(part: Draft): WantedFields {
    return new WantedFields(part.isMessage, this.#limits, this.#kept, this.#reading.cut);
  }

  #endHeader(at: Mark = this.#mark()): void {
    const part = this.#part;
    const { fields = [] } = this.#header ?? {};
    this.#header?.end();
    this.#header = undefined;
    part.headerEnd = at;
    part.bodyEnd = at;
    if (part.isMessage) part.envelope = readEnvelope(fields, this.#reading);
    if (
      part.parent?.kind === 'multipart' ||
      fields.some(({ name }) => name === 'mime-version' || name === 'content-type')
    ) {
      part.content = readContent(fields, this.#reading);
    }
    this.#setKind(part);
  }

  #setKind(part: Draft): void {
    const kind = nestedIn(part);
    const boundary = part.content.parameters.find(({ name }) => name.toLowerCase() === 'boundary')?.value;
    if (kind === 'multipart' && boundary === undefined) {
      // RFC 2045 §5.2: what cannot be understood is text.
      part.content = NO_CONTENT;
      part.kind = 'text';
      return;
    }
    part.kind = kind;
    if (kind !== 'multipart' && kind !== 'message') return;
    if (part.depth >= this.#limits.depth) {
      this.#reading.cut.add('depth');
      part.kind = 'other';
    } else if (kind === 'multipart') this.#openMultipart(part, boundary ?? '');
    else this.#openMessage(part);
  }

  #openMultipart(part: Draft, boundary: string): void {
    if (boundary.length > this.#limits.boundary) this.#reading.cut.add('boundary');
    this.#boundaries.push(boundary.slice(0, this.#limits.boundary), part);
  }

  #openMessage(part: Draft): void {
    if (this.#parts >= this.#limits.parts) this.#reading.cut.add('parts');
    this.#parts += 1;
    this.#part = openPart(part, part.headerEnd);
    this.#header = this.#fieldsOf(this.#part);
  }
}

/** Ends a part before its delimiter's line end, which may have been taken for the last line of its header, or of its parent's. */
function endAt(part: Draft, end: Mark): void {
  if (end.offset < part.headerStart.offset) part.headerStart = end;
  if (end.offset < part.headerEnd.offset) part.headerEnd = end;
  part.bodyEnd = end;
}

/** The structure of a whole message. */
export function parseStructure(message: Uint8Array, options?: ParserOptions): Structure {
  const parser = new StructureParser(options);
  parser.push(message);
  return parser.finish();
}

/** The structure of a message that arrives. */
export async function parseStream(chunks: AsyncIterable<Uint8Array>, options?: ParserOptions): Promise<Structure> {
  const parser = new StructureParser(options);
  for await (const chunk of chunks) parser.push(chunk);
  return parser.finish();
}
