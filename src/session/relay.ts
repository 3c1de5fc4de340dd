import { renderStatus } from '../imap/status.ts';
import type { Channel } from '../net/channel.ts';
import { type SpliceEnd, splice } from '../net/splice.ts';

const LF = 0x0a;
/** Silence of the server after which it is taken to be between two responses, if what it sent last ended a line. */
const QUIET_MS = 250;
/** How long such a moment is waited for. */
const MOMENT_MS = 500;
const MOMENT_POLL_MS = 50;
/** How long both sides get to close after a relay was ended from here. */
const KICK_LINGER_MS = 2000;

export interface RelayOptions {
  readonly client: Channel;
  readonly upstream: Channel;
  /** Read from the client and not yet looked at: pipelined behind the login. */
  readonly fromClient: readonly Buffer[];
  /** Read from the upstream behind the login's answer. */
  readonly fromUpstream: readonly Buffer[];
  readonly onClientBytes: (bytes: Buffer) => void;
  readonly onServerBytes: (bytes: Buffer) => void;
}

/** A session that is over as far as we speak IMAP: the client and its mail server talk to each other. */
export class Relay {
  readonly #options: RelayOptions;
  #atLineStart = true;
  #lastServerBytes = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Resolves when both sides are closed. */
  async run(): Promise<SpliceEnd> {
    const { client, upstream, fromClient, fromUpstream, onClientBytes, onServerBytes } = this.#options;
    for (const bytes of fromUpstream) {
      this.#noteServerBytes(bytes);
      onServerBytes(bytes);
      client.write(bytes).catch(ignore);
    }
    for (const bytes of fromClient) {
      onClientBytes(bytes);
      upstream.write(bytes).catch(ignore);
    }
    return await splice(client, upstream, {
      onClientBytes,
      onServerBytes: bytes => {
        this.#noteServerBytes(bytes);
        onServerBytes(bytes);
      },
    });
  }

  /**
   * Ends it, with a BYE where the server is silent between two responses, as in IDLE. Inside a literal the BYE would become part of a
   * message, and might make a cut one look whole; there the client sees the connection end, and asks again.
   */
  kick(reason: string): void {
    const until = Date.now() + MOMENT_MS;
    const endAtTheMoment = (): void => {
      const moment = this.#betweenResponses;
      if (moment || this.#options.client.closed || Date.now() >= until) this.#end(moment ? reason : undefined);
      else setTimeout(endAtTheMoment, MOMENT_POLL_MS).unref();
    };
    endAtTheMoment();
  }

  #end(goodbye: string | undefined): void {
    const { client, upstream } = this.#options;
    if (goodbye !== undefined && !client.closed)
      client.write(renderStatus('*', { status: 'BYE', text: goodbye })).catch(ignore);
    client.end();
    upstream.end();
    setTimeout(() => {
      client.destroy();
      upstream.destroy();
    }, KICK_LINGER_MS).unref();
  }

  /** As far as can be told without parsing. A client that does not keep up has a response under way, whatever its last byte. */
  get #betweenResponses(): boolean {
    const { client } = this.#options;
    const quiet = Date.now() - this.#lastServerBytes >= QUIET_MS;
    return this.#atLineStart && quiet && client.socket.writableLength === 0;
  }

  #noteServerBytes(bytes: Buffer): void {
    this.#atLineStart = bytes.at(-1) === LF;
    this.#lastServerBytes = Date.now();
  }
}

function ignore(): void {
  // The splice sees the end of the connection by itself.
}
