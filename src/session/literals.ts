import type { Registry } from '../extensions/registry.ts';
import { Scanner } from '../wire/scanner.ts';
import type { LiteralPolicy } from './client-input.ts';

/** Literals in one command before login: LOGIN has two. Each adds two segments. */
const SEGMENTS_BEFORE_LOGIN = 2 * 2 + 1;

/** Most octets of one literal that is an argument of a command, a mailbox name or a text to search for, and of all of them together. */
export const ARGUMENT_MOST = 64 * 1024;
export const ARGUMENTS_MOST = 256 * 1024;

/** @param may whether a password may be sent now: without TLS none is asked for, whatever the client means to send */
export function literalsBeforeLogin(most: number, may: () => boolean): LiteralPolicy {
  return (segments, { size }) =>
    size <= most && segments.length < SEGMENTS_BEFORE_LOGIN && may() ? 'buffer' : 'refuse';
}

/**
 * After login: messages are streamed, arguments read into the command.
 * @param most octets of a message
 */
export function literalsOfCommands(registry: Registry, most: number): LiteralPolicy {
  return (segments, { size }, goesOn) => {
    if (goesOn || streams(registry, segments)) return size <= most ? 'stream' : 'refuse';
    const held = segments.reduce((sum, { length }) => sum + length, 0);
    return size <= ARGUMENT_MOST && held + size <= ARGUMENTS_MOST ? 'buffer' : 'refuse';
  };
}

/** Whether the command so far ends at the message that it brings: its own grammar knows, by not asking for the octets. */
function streams(registry: Registry, segments: readonly Buffer[]): boolean {
  const scanner = new Scanner(segments);
  try {
    scanner.tag();
    scanner.space();
    const command = registry.command(scanner.atom().toUpperCase());
    if (!command?.streams) return false;
    command.prepare(scanner);
    return true;
  } catch {
    // What is malformed already will be answered when it is executed, without its literal.
    return !scanner.starved;
  }
}
