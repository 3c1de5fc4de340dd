import { BrokenResponse } from '../../imap/broken-response.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { RowPage } from '../../mail/rows.ts';
import type { MailSession } from '../../session/contract.ts';
import { FLUSH_AT, ResponseBuffer, withoutNul } from '../../wire/response-buffer.ts';
import type { ContentPart, FetchPart } from '../fetch-item.ts';
import { type Opened, openContent } from './open-content.ts';

/** Of a response that is written in one go: a client may ask for one large header a thousand times. */
const UNSENT_MOST = 4 * FLUSH_AT;

/** A piece of a response that goes on in the next piece. */
export interface UnfinishedPiece {
  readonly unfinished: Buffer;
}

/** Writes FETCH responses, one message after the other, into one buffer. */
export class MessageWriter {
  readonly out = new ResponseBuffer();
  /** Why some message was left out, or told without something. */
  failure: MailError | undefined;
  readonly #mail: MailSession;
  readonly #parts: readonly FetchPart[];
  /** A part of the present response has left the buffer: it cannot be taken back. */
  #sent = false;

  constructor(mail: MailSession, parts: readonly FetchPart[]) {
    this.#mail = mail;
    this.#parts = parts;
  }

  /**
   * Writes the response if the row is enough for it.
   * @param foot what is told besides the items
   * @returns false: nothing was written, it is to be streamed
   */
  write(seq: number, page: RowPage, row: number, foot: string | undefined): boolean {
    const { out } = this;
    const before = out.length;
    try {
      this.#head(seq);
      if (this.#writeParts(0, page, row) === this.#parts.length) {
        this.#foot(foot);
        return true;
      }
      out.rewind(before);
      return false;
    } catch (error) {
      this.#leaveOut(error, before);
      return true;
    }
  }

  /** The response, as far as it does not fit into the buffer. @throws BrokenResponse */
  async *stream(
    seq: number,
    page: RowPage,
    row: number,
    foot: string | undefined,
  ): AsyncGenerator<UnfinishedPiece, void> {
    const { out } = this;
    const before = out.length;
    this.#sent = false;
    try {
      this.#head(seq);
      for (let at = this.#writeParts(0, page, row); at < this.#parts.length; ) {
        if (out.length >= UNSENT_MOST) {
          this.#sent = true;
          yield { unfinished: out.take() };
          at = this.#writeParts(at, page, row);
          continue;
        }
        const content = this.#parts[at]?.content;
        if (!content) throw new Error('an item has written nothing');
        if (at > 0) out.text(' ');
        yield* this.#literal(content, page, row);
        at = this.#writeParts(at + 1, page, row);
      }
      this.#foot(foot);
    } catch (error) {
      if (this.#sent && !this.#mail.signal.aborted) throw new BrokenResponse('a FETCH response broke off', error);
      this.#leaveOut(error, before);
    }
  }

  async *#literal(content: ContentPart, page: RowPage, row: number): AsyncGenerator<UnfinishedPiece, void> {
    const { out } = this;
    const opened = await this.#open(content, page, row);
    if (!opened) {
      out.text(`${content.label} NIL`);
      return;
    }
    out.text(`${content.label} {${opened.size}}\r\n`);
    for await (const chunk of opened.chunks) {
      if (chunk.length <= FLUSH_AT) {
        out.octets(chunk);
        if (!out.full) continue;
        this.#sent = true;
        yield { unfinished: out.take() };
      } else {
        this.#sent = true;
        if (out.length > 0) yield { unfinished: out.take() };
        yield { unfinished: Buffer.from(withoutNul(chunk).buffer, chunk.byteOffset, chunk.byteLength) };
      }
    }
  }

  /** Undefined: there is nothing to tell. In a response of which a part has gone out that stands for what cannot be read, too. */
  async #open(content: ContentPart, page: RowPage, row: number): Promise<Opened | undefined> {
    try {
      return await openContent(this.#mail, content, page, row);
    } catch (error) {
      if (!this.#sent || !(error instanceof MailError)) throw error;
      this.failure ??= error;
      return undefined;
    }
  }

  #head(seq: number): void {
    this.out.text('* ');
    this.out.number(seq);
    this.out.text(' FETCH (');
  }

  #foot(foot: string | undefined): void {
    if (foot !== undefined) this.out.text(foot);
    this.out.text(')\r\n');
  }

  /** @returns the part that needs more than the row, or for which the buffer is too full; how many there are if there is none */
  #writeParts(from: number, page: RowPage, row: number): number {
    const { out } = this;
    const { length } = this.#parts;
    for (let at = from; at < length; at += 1) {
      if (out.length >= UNSENT_MOST) return at;
      const part = this.#parts[at];
      const before = out.length;
      if (at > 0) out.text(' ');
      if (part?.write?.(out, page, row, this.#mail.selected)) continue;
      out.rewind(before);
      return at;
    }
    return length;
  }

  #leaveOut(error: unknown, before: number): void {
    if (!(error instanceof MailError)) throw error;
    this.out.rewind(before);
    this.failure ??= error;
  }
}
