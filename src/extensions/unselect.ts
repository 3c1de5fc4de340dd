import { unselect as command } from '../commands/unselect.ts';
import type { Extension } from './extension.ts';

export const unselect: Extension = {
  source: 'RFC 3691: UNSELECT',
  commands: [command],
  capabilities: ({ serving }) => (serving ? ['UNSELECT'] : []),
};
