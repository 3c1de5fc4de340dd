import { move as command } from '../commands/move.ts';
import type { Extension } from './extension.ts';

export const move: Extension = {
  source: 'RFC 6851: MOVE',
  commands: [command(false)],
  uidCommands: () => [command(true)],
  capabilities: ({ serving }) => (serving ? ['MOVE'] : []),
};
