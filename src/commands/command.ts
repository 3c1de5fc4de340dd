import type { CommandSession, Completion, SessionState } from '../session/contract.ts';
import type { Scanner } from '../wire/scanner.ts';

/** Untagged responses as they go out, whole lines each; the loop writes one, awaits room, and pulls the next. */
export type Responses = AsyncGenerator<string | Buffer, Completion, undefined>;

/** One command: its grammar, when it may be used, and what it does. */
export interface Command<Arguments> {
  readonly name: string;
  readonly states: readonly SessionState[];
  /** Reads what follows the name, its space included, up to the end of the line. @throws Malformed */
  parse(scanner: Scanner): Arguments;
  /** @throws MailError, answered NO; Malformed, answered BAD */
  run(session: CommandSession, args: Arguments): Responses | Promise<Completion>;
}

/** A command whose arguments' type is its own business. */
export interface AnyCommand {
  readonly name: string;
  readonly states: readonly SessionState[];
  prepare(scanner: Scanner): (session: CommandSession) => Responses | Promise<Completion>;
}

export function command<Arguments>(definition: Command<Arguments>): AnyCommand {
  return {
    name: definition.name,
    states: definition.states,
    prepare(scanner) {
      const args = definition.parse(scanner);
      scanner.end();
      return session => definition.run(session, args);
    },
  };
}

/** Grammar of a command without arguments. */
export const nothing = (): undefined => undefined;
