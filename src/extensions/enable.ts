import { enable as command } from '../commands/enable.ts';
import type { Extension } from './extension.ts';

export const enable: Extension = {
  source: 'RFC 5161: ENABLE',
  commands: [command],
  capabilities: ({ serving }) => (serving ? ['ENABLE'] : []),
};
