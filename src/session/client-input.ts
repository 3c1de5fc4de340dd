import { ConnectionLost } from '../net/channel.ts';
import type { LiteralHead } from '../wire/framer.ts';
import { Input, type LiteralDecision, type Unit } from '../wire/input.ts';
import { Malformed } from '../wire/malformed.ts';
import { Scanner } from '../wire/scanner.ts';

/**
 * What becomes of a literal.
 * @param segments the command so far, up to the line that announces it; of a command that goes on behind a streamed literal, from there
 */
export type LiteralPolicy = (segments: readonly Buffer[], head: LiteralHead, goesOn: boolean) => LiteralDecision;

export interface ClientInputOptions {
  /** Undefined at the end. */
  read(): Promise<Buffer | undefined>;
  /** Most octets of a line. */
  readonly line: number;
  goAhead(): Promise<void>;
}

/** What the client says: commands, answers within a command, and what follows a streamed literal. */
export class ClientInput {
  readonly #options: ClientInputOptions;
  /** Another one takes its place at the login. */
  literals: LiteralPolicy;
  #input: Input;
  #answering = false;
  #goesOn = false;

  constructor(options: ClientInputOptions, literals: LiteralPolicy) {
    this.#options = options;
    this.literals = literals;
    this.#input = this.#open();
  }

  /** Whether a line is awaited that is no command. */
  get answering(): boolean {
    return this.#answering;
  }

  /** The next command. What is left of the one before is skipped. */
  async next(): Promise<Unit> {
    try {
      return await this.#input.next();
    } catch (error) {
      // The end came within a literal that nobody wanted to read any more.
      if (error instanceof Malformed) return { kind: 'end', unfinished: true };
      throw error;
    }
  }

  /** A line that is no command: what the client answers within one. @throws Malformed, ConnectionLost */
  async line(): Promise<string> {
    this.#answering = true;
    try {
      const unit = await this.#input.next();
      if (unit.kind === 'end') throw new ConnectionLost('the client left within a command');
      if (unit.kind !== 'whole') throw new Malformed('the response is too long');
      return new Scanner(unit.segments).restOfLine();
    } finally {
      this.#answering = false;
    }
  }

  /** What follows a streamed literal in the same command. */
  async resume(): Promise<Unit> {
    this.#goesOn = true;
    try {
      return await this.#input.resume();
    } finally {
      this.#goesOn = false;
    }
  }

  /** From now on other octets come, those of TLS say. @returns those that had come and were not looked at */
  restart(): readonly Buffer[] {
    const unread = this.#input.takeRest();
    this.#input = this.#open();
    return unread;
  }

  #open(): Input {
    const { read, line, goAhead } = this.#options;
    return new Input(
      { read },
      {
        line,
        goAhead,
        decide: (segments, head) => (this.#answering ? 'refuse' : this.literals(segments, head, this.#goesOn)),
      },
    );
  }
}
