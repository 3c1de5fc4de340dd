import { decodeLayout, encodeLayout } from '../../../src/mime/layout.ts';
import { parseStructure } from '../../../src/mime/structure-parser.ts';
import type { MessageParts } from '../../../src/store/search/match-message.ts';
import type { MessageOctets } from '../../../src/store/search/message-texts.ts';

/** A message as the scan sees it, its octets in pieces of a size. */
export class MadeMessage implements MessageOctets {
  readonly octets: Buffer;
  readonly header: Uint8Array;
  readonly layout: Uint8Array;
  /** Octets that were read. */
  readOctets = 0;
  readonly #piece: number;

  constructor(message: string | Buffer, piece = 256 * 1024) {
    this.octets = typeof message === 'string' ? Buffer.from(message) : message;
    const structure = parseStructure(this.octets);
    this.header = this.octets.subarray(0, structure.root.header.end);
    this.layout = encodeLayout(structure);
    this.#piece = piece;
  }

  parts(withHeader = true): MessageParts {
    return { header: withHeader ? this.header : undefined, layout: decodeLayout(this.layout) };
  }

  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end; at += this.#piece) {
      const piece = this.octets.subarray(at, Math.min(end, at + this.#piece));
      this.readOctets += piece.length;
      yield piece;
    }
  }
}
