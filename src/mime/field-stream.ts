const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
/** A line is no field that can be asked for when no colon comes by then. */
const NAME_MOST = 1000;

/**
 * `selectFields` for a header that is too long to be held: push the header's chunks, however they are cut, and take what is wanted
 * of each. Holds the beginning of one line.
 */
export class FieldStream {
  readonly #wanted: ReadonlySet<string>;
  readonly #except: boolean;
  readonly #headMost: number;
  /** The beginning of a line, until it is clear what the line is. */
  #head = Buffer.alloc(0);
  #inLine = false;
  #first = true;
  #keeps = false;
  #over = false;
  /** Whether what was given last ended a line. */
  #lineEnded = true;

  constructor(names: readonly string[], except: boolean) {
    this.#wanted = new Set(names.map(name => name.toLowerCase()));
    this.#except = except;
    this.#headMost = Math.max(NAME_MOST, ...names.map(({ length }) => 2 * length));
  }

  /** @returns octets of the chunk, and of those before, that are wanted */
  push(chunk: Uint8Array): Buffer[] {
    const pieces: Buffer[] = [];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length && !this.#over; ) {
      const lf = bytes.indexOf(LF, at);
      const end = lf === -1 ? bytes.length : lf + 1;
      const piece = bytes.subarray(at, end);
      if (this.#inLine) this.#give(piece, pieces);
      else this.#begin(piece, pieces);
      if (lf !== -1) this.#inLine = false;
      at = end;
    }
    return pieces;
  }

  /** What is wanted after the last chunk: the empty line at least. */
  finish(): Buffer[] {
    const pieces: Buffer[] = [];
    if (!this.#over && this.#head.length > 0) this.#decide(this.#head, pieces);
    if (!this.#lineEnded) pieces.push(Buffer.from('\r\n'));
    pieces.push(Buffer.from('\r\n'));
    return pieces;
  }

  /** More of a line of which it is not clear yet what it is. */
  #begin(piece: Buffer, pieces: Buffer[]): void {
    const head = this.#head.length > 0 ? Buffer.concat([this.#head, piece]) : piece;
    const whole = head[head.length - 1] === LF;
    if (whole && isEmpty(head)) {
      this.#over = true;
      this.#head = Buffer.alloc(0);
    } else if (whole || (!this.#first && isFold(head)) || head.indexOf(COLON) !== -1 || head.length > this.#headMost) {
      this.#decide(head, pieces);
    } else this.#head = Buffer.from(head);
  }

  #decide(head: Buffer, pieces: Buffer[]): void {
    this.#head = Buffer.alloc(0);
    this.#inLine = true;
    if (this.#first || !isFold(head)) this.#keeps = this.#wanted.has(nameIn(head)) !== this.#except;
    this.#first = false;
    this.#give(head, pieces);
  }

  #give(piece: Buffer, pieces: Buffer[]): void {
    if (!this.#keeps) return;
    pieces.push(Buffer.from(piece));
    this.#lineEnded = piece[piece.length - 1] === LF;
  }
}

function nameIn(line: Buffer): string {
  const colon = line.indexOf(COLON);
  return line
    .toString('latin1', 0, colon === -1 ? line.length : colon)
    .trimEnd()
    .toLowerCase();
}

function isEmpty(line: Buffer): boolean {
  return line.length === 1 || (line.length === 2 && line[0] === CR);
}

function isFold(line: Buffer): boolean {
  return line[0] === SPACE || line[0] === TAB;
}
