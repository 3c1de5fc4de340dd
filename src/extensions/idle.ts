import { idle as command } from '../commands/idle.ts';
import type { Extension } from './extension.ts';

export const idle: Extension = {
  source: 'RFC 2177: IDLE',
  commands: [command],
  capabilities: ({ serving }) => (serving ? ['IDLE'] : []),
};
