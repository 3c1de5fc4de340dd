import { CrlfNormaliser } from '../../mime/crlf.ts';
import { dayOfDate } from '../../mime/date-day.ts';
import { encodeBodyStructure } from '../../mime/encode-body-structure.ts';
import { encodeEnvelope } from '../../mime/encode-envelope.ts';
import { encodeLayout } from '../../mime/layout.ts';
import { StructureParser } from '../../mime/structure-parser.ts';
import type { NewRow } from '../index/index-port.ts';
import { HeaderKeeper } from './header-keeper.ts';

/** What a message's octets say of it. */
export type ReadMessage = Pick<NewRow, 'size' | 'header' | 'envelope' | 'body' | 'structure' | 'layout' | 'sentDay'>;

/**
 * Reads a message while it passes: `push` its chunks, keep what comes back instead of them, then `finish`. Holds no more than the
 * header and what ENVELOPE and BODYSTRUCTURE are made of. No message is an error. Also for rebuilding an index from blobs: what is
 * stored has CRLF already, and comes back unchanged.
 */
export class MessageReading {
  readonly #parser = new StructureParser();
  readonly #lineEnds = new CrlfNormaliser();
  readonly #header: HeaderKeeper;

  /** @param headerMost the longest header that is kept, in octets */
  constructor(headerMost: number) {
    this.#header = new HeaderKeeper(headerMost);
  }

  /**
   * @returns the chunk as it is to be stored, every line ending in CRLF, good until the next push; what is told of the message is told
   *   of this
   */
  push(chunk: Uint8Array): Uint8Array {
    const stored = this.#lineEnds.push(chunk);
    this.#parser.push(stored);
    this.#header.push(stored);
    return stored;
  }

  finish(): ReadMessage {
    const structure = this.#parser.finish();
    const { root, size } = structure;
    if (!root.envelope) throw new TypeError('unreachable: the root of a message has an envelope');
    return {
      size,
      header: this.#header.take(root.header.end),
      envelope: encodeEnvelope(root.envelope),
      body: encodeBodyStructure(structure, { extended: false }),
      structure: encodeBodyStructure(structure),
      layout: encodeLayout(structure),
      sentDay: root.envelope.date === undefined ? undefined : dayOfDate(root.envelope.date),
    };
  }
}
