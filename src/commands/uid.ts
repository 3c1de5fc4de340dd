import { Malformed } from '../wire/malformed.ts';
import { type AnyCommand, SELECTED } from './command.ts';

/**
 * UID (RFC 9051 §6.4.9): the commands on messages by UID. Sequence numbers may change while they run, so that expunges can be told
 * (RFC 9051 §7.5.1).
 * @param commands by their second name
 */
export function uid(commands: readonly AnyCommand[]): AnyCommand {
  const byName = new Map(commands.map(command => [command.name, command]));
  return {
    name: 'UID',
    states: SELECTED,
    updates: 'all',
    prepare(scanner) {
      scanner.space();
      const command = byName.get(scanner.atom('a command').toUpperCase());
      if (!command) throw new Malformed('this command is not one that takes UIDs');
      return command.prepare(scanner);
    },
  };
}
