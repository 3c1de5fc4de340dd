import { id as command } from '../commands/id.ts';
import type { Extension } from './extension.ts';

export const id: Extension = {
  source: 'RFC 2971: ID',
  commands: [command],
  capabilities: () => ['ID'],
};
