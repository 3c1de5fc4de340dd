import type { CommandSession, Completion, SessionState } from '../session/contract.ts';
import type { Scanner } from '../wire/scanner.ts';

/**
 * A piece of a response that goes on in the next piece, such as a part of a literal that is sent as it is read. A session that must
 * end waits for the end of the response, or ends the connection without a word; so it does when the handler throws behind it.
 */
export interface Unfinished {
  readonly unfinished: Buffer;
}

/** Octets as they go out: whole responses, or what says that it is not. */
export type Piece = string | Buffer | Unfinished;

/** Untagged responses; the loop writes a piece, awaits room, and pulls the next. */
export type Responses = AsyncGenerator<Piece, Completion, undefined>;

/**
 * What the loop tells of the selected mailbox before the tagged answer: all, all but expunges (RFC 9051 §7.5.1: sequence
 * numbers must not change during FETCH, STORE and SEARCH), or nothing.
 */
export type Updates = 'all' | 'no-expunge' | 'none';

interface Traits {
  readonly name: string;
  readonly states: readonly SessionState[];
  /** `all` by default. */
  readonly updates?: Updates;
  /** Whether its last argument is a literal that is not read into memory: the message of APPEND. */
  readonly streams?: true;
}

/** One command: its grammar, when it may be used, and what it does. */
export interface Command<Arguments> extends Traits {
  /** Reads what follows the name, its space included, up to the end of the line; a streamed literal's head by `scanner.upload()`. @throws Malformed */
  parse(scanner: Scanner): Arguments;
  /** @throws MailError, answered NO; Malformed, answered BAD */
  run(session: CommandSession, args: Arguments): Responses | Promise<Completion>;
}

/** A command whose arguments' type is its own business. */
export interface AnyCommand extends Traits {
  prepare(scanner: Scanner): (session: CommandSession) => Responses | Promise<Completion>;
}

export function command<Arguments>(definition: Command<Arguments>): AnyCommand {
  const { name, states, updates, streams } = definition;
  return {
    name,
    states,
    ...(updates && { updates }),
    ...(streams && { streams }),
    prepare(scanner) {
      const args = definition.parse(scanner);
      scanner.end();
      return session => definition.run(session, args);
    },
  };
}

/** Grammar of a command without arguments. */
export const nothing = (): undefined => undefined;

/** States of the commands that may be used at any time. */
export const ANY_STATE: readonly SessionState[] = ['not-authenticated', 'authenticated', 'selected'];
/** States of the commands on mailboxes by name. */
export const LOGGED_IN: readonly SessionState[] = ['authenticated', 'selected'];
export const SELECTED: readonly SessionState[] = ['selected'];
