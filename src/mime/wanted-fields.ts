import type { MimeLimits } from './limits.ts';
import type { CutLimit } from './structure.ts';

/** One header field: lower-case name, and the value in wire form with its folds, without the space before it and the last line end. */
export interface Field {
  readonly name: string;
  readonly value: string;
}

const CONTENT_FIELDS = [
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-description',
  'content-md5',
  'content-language',
  'content-location',
  'mime-version',
];
const ENVELOPE_FIELDS = [
  'date',
  'subject',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'in-reply-to',
  'message-id',
];
const CONTENT = new Set(CONTENT_FIELDS);
const MESSAGE = new Set([...CONTENT_FIELDS, ...ENVELOPE_FIELDS]);
const LONGEST_NAME = Math.max(...[...MESSAGE].map(name => name.length));
/** What a field costs besides its bytes: a million empty ones must not be kept. */
const FIELD_COST = 64;
const COLON = 58;
const SPACE = 32;
const TAB = 9;

/** Bytes kept of the fields of one message, all its parts together. */
export interface Kept {
  bytes: number;
}

/** Collects, line by line, those fields of a header that ENVELOPE and BODYSTRUCTURE are made of; forgets the others at once. */
export class WantedFields {
  readonly fields: Field[] = [];
  readonly #names: ReadonlySet<string>;
  readonly #limits: MimeLimits;
  readonly #kept: Kept;
  readonly #cut: Set<CutLimit>;
  #name: string | undefined;
  #lines: string[] = [];
  #bytes = 0;

  constructor(isMessage: boolean, limits: MimeLimits, kept: Kept, cut: Set<CutLimit>) {
    this.#names = isMessage ? MESSAGE : CONTENT;
    this.#limits = limits;
    this.#kept = kept;
    this.#cut = cut;
  }

  /** How much of the next line can matter: it may begin a new field. */
  get room(): number {
    return (
      Math.max(0, Math.min(this.#limits.field, this.#limits.fields - this.#kept.bytes)) + this.#limits.boundary + 512
    );
  }

  /** One line, its line end included; a long one may be given cut. */
  line(bytes: Buffer, start: number, end: number): void {
    const first = bytes[start];
    if (first === SPACE || first === TAB) {
      if (this.#name !== undefined) this.#keep(bytes, start, end);
      return;
    }
    this.end();
    const most = Math.min(end, start + LONGEST_NAME + 64);
    const colon = bytes.subarray(start, most).indexOf(COLON);
    if (colon < 2) return;
    const name = bytes
      .toString('latin1', start, start + colon)
      .trimEnd()
      .toLowerCase();
    if (!this.#names.has(name)) return;
    if (this.#kept.bytes >= this.#limits.fields) {
      this.#cut.add('fields');
      return;
    }
    this.#name = name;
    this.#bytes = 0;
    this.#kept.bytes += FIELD_COST;
    this.#keep(bytes, start + colon + 1, end);
  }

  /** Ends the field being collected. */
  end(): void {
    if (this.#name === undefined) return;
    const value = this.#lines
      .join('')
      .replace(/^[ \t\r\n]+/, '')
      .replace(/\r?\n$/, '');
    this.fields.push({ name: this.#name, value });
    this.#name = undefined;
    this.#lines = [];
    this.#bytes = 0;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const room = Math.max(0, Math.min(this.#limits.field - this.#bytes, this.#limits.fields - this.#kept.bytes));
    if (end - start > room) this.#cut.add(this.#limits.field - this.#bytes <= room ? 'field' : 'fields');
    const length = Math.max(0, Math.min(end - start, room));
    if (length > 0) this.#lines.push(bytes.toString('latin1', start, start + length));
    this.#bytes += length;
    this.#kept.bytes += length;
  }
}
