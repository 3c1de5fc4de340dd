import { namespace as command } from '../commands/namespace.ts';
import type { Extension } from './extension.ts';

export const namespace: Extension = {
  source: 'RFC 2342: NAMESPACE',
  commands: [command],
  capabilities: ({ serving }) => (serving ? ['NAMESPACE'] : []),
};
