import { ConnectionLost } from '../net/channel.ts';
import type { LiteralStream } from '../wire/input.ts';
import { Malformed } from '../wire/malformed.ts';
import { Scanner } from '../wire/scanner.ts';
import type { ClientInput } from './client-input.ts';
import type { Upload } from './contract.ts';

/** A literal that its command pulls from the connection. */
export class LiteralUpload implements Upload {
  readonly size: number;
  readonly source: AsyncIterable<Uint8Array>;
  readonly #input: ClientInput;

  constructor(literal: LiteralStream, input: ClientInput) {
    this.size = literal.size;
    this.source = literal;
    this.#input = input;
  }

  async rest(): Promise<{ scanner: Scanner; upload: Upload | undefined }> {
    const unit = await this.#input.resume();
    if (unit.kind === 'end') throw new ConnectionLost('the client left within a command');
    if (unit.kind === 'refused') throw new Malformed('the command is too long');
    const upload = unit.kind === 'partial' ? new LiteralUpload(unit.literal, this.#input) : undefined;
    return { scanner: new Scanner(unit.segments), upload };
  }
}
