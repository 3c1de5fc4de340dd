import { Capabilities } from '../imap/capabilities.ts';
import { type Channel, ConnectionLost } from '../net/channel.ts';
import type { Encoder } from '../wire/encoder.ts';
import { Input } from '../wire/input.ts';
import { Malformed } from '../wire/malformed.ts';
import { endsInText, parseResponse, type Response } from './response.ts';
import { UpstreamError } from './upstream-error.ts';

/** More than any server says before login; less than would hurt. */
const LINE_MOST = 64 * 1024;
const LITERAL_MOST = 64 * 1024;
/** Untagged responses to one command. */
const UNTAGGED_MOST = 1000;
/** How long a server that said BYE gets for the answer it may still give. */
const AFTER_BYE_MS = 2000;

export interface CommandResult {
  /** The answer; from `exchange` also the BYE of a server that hung up instead of answering. */
  readonly tagged: Response;
  readonly untagged: readonly Response[];
}

/** The client's side of a conversation with a server, up to the login: one command at a time, each answer within a time limit. */
export class Dialogue {
  readonly channel: Channel;
  /** "host:port", for messages. */
  readonly server: string;
  readonly #timeout: number;
  readonly #input: Input;
  #lastTag = 0;

  /** @param timeout milliseconds for a whole answer, however slowly it comes */
  constructor(channel: Channel, server: string, timeout: number) {
    this.channel = channel;
    this.server = server;
    this.#timeout = timeout;
    this.#input = new Input(channel, {
      line: LINE_MOST,
      isText: endsInText,
      decide: (_segments, { size }) => (size <= LITERAL_MOST ? 'buffer' : 'refuse'),
    });
  }

  /** The greeting and the capabilities in it, if it has any. @throws UpstreamError */
  async greeting(): Promise<Capabilities | undefined> {
    const greeting = await this.#response(performance.now() + this.#timeout);
    if (greeting.tag !== '*' || (greeting.name !== 'OK' && greeting.name !== 'PREAUTH')) {
      throw this.#error('unavailable', `greeted with ${greeting.name} ${greeting.text}`);
    }
    // RFC 9051 §7.1.4: somebody is logged in already, and it is not our user.
    if (greeting.name === 'PREAUTH') throw this.#error('misconfigured', 'greeted with PREAUTH');
    return capabilitiesOf(greeting);
  }

  /** What the server says it can, asked for. @throws UpstreamError */
  async capabilities(): Promise<Capabilities> {
    const result = await this.command('CAPABILITY');
    const found = findCapabilities(result);
    if (result.tagged.name !== 'OK' || !found) throw this.#error('misconfigured', 'does not answer CAPABILITY');
    return found;
  }

  /** @throws UpstreamError, also when the server says BYE instead of answering */
  async command(text: string): Promise<CommandResult> {
    const tag = this.nextTag();
    const result = await this.exchange(tag, [Buffer.from(`${tag} ${text}\r\n`)]);
    if (result.tagged.name === 'BYE') throw this.#error('unavailable', `said BYE: ${result.tagged.text}`);
    return result;
  }

  nextTag(): string {
    this.#lastTag += 1;
    return `p${this.#lastTag}`;
  }

  /** Sends the parts of a command (see `Encoder.finish`), the second and later ones when the server asks for them. @throws UpstreamError */
  async exchange(tag: string, parts: readonly Buffer[]): Promise<CommandResult> {
    const untagged: Response[] = [];
    const waiting = [...parts];
    let deadline = performance.now() + this.#timeout;
    let bye: Response | undefined;
    await this.send(waiting.shift() ?? Buffer.alloc(0));
    for (;;) {
      const response = await this.#response(deadline).catch((error: unknown) => {
        if (bye && error instanceof UpstreamError) return bye;
        throw error;
      });
      if (response === bye) return { tagged: bye, untagged };
      if (response.tag === tag) return { tagged: response, untagged };
      if (response.tag === '+') {
        const part = waiting.shift();
        if (!part) throw this.#error('misconfigured', 'asked for more where nothing was left');
        await this.send(part);
      } else if (response.name === 'BYE') {
        // Some say it before their answer, some instead of one.
        bye ??= response;
        deadline = Math.min(deadline, performance.now() + AFTER_BYE_MS);
      } else if (response.tag === '*') {
        untagged.push(response);
        if (untagged.length > UNTAGGED_MOST) throw this.#error('misconfigured', 'talks without end');
      }
      // Another tag: the answer to a command sent ahead (ID), of which nothing depends.
    }
  }

  async send(bytes: Buffer): Promise<void> {
    try {
      await this.channel.write(bytes);
    } catch (error) {
      if (error instanceof ConnectionLost) throw this.#error('unavailable', 'closed the connection', error);
      throw error;
    }
  }

  /** Bytes received beyond the last response. */
  takeRest(): Buffer[] {
    return this.#input.takeRest();
  }

  async #response(deadline: number): Promise<Response> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(this.#error('unavailable', `did not answer within ${this.#timeout} ms`)),
        Math.max(0, deadline - performance.now()),
      );
    });
    try {
      const unit = await Promise.race([this.#input.next(), late]);
      if (unit.kind === 'whole') return parseResponse(unit.segments);
      const cause = this.channel.error;
      if (unit.kind === 'end')
        throw this.#error('unavailable', `closed the connection${cause ? `: ${cause.message}` : ''}`, cause);
      throw this.#error('misconfigured', 'sent a response beyond all measure');
    } catch (error) {
      if (error instanceof Malformed)
        throw this.#error('misconfigured', `sent what is not IMAP: ${error.message}`, error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #error(kind: UpstreamError['kind'], what: string, cause?: unknown): UpstreamError {
    return new UpstreamError(kind, `${this.server} ${what}`, { server: this.server, cause });
  }
}

/** The encoder's parts behind a tag. */
export function tagged(tag: string, encoder: Encoder, build: (encoder: Encoder) => void): readonly Buffer[] {
  encoder.raw(`${tag} `);
  build(encoder);
  return encoder.finish();
}

/** Capabilities told with a command's answer, in its code or untagged. */
export function findCapabilities({ tagged: answer, untagged }: CommandResult): Capabilities | undefined {
  const told = untagged.findLast(response => response.name === 'CAPABILITY');
  return capabilitiesOf(answer) ?? (told ? Capabilities.parse(told.text) : undefined);
}

function capabilitiesOf(response: Response): Capabilities | undefined {
  return response.code !== undefined && /^CAPABILITY /i.test(response.code)
    ? Capabilities.parse(response.code)
    : undefined;
}
