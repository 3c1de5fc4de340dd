import type { Rule } from './draft.ts';
import { certificateRules } from './rules/certificates.ts';
import { directoryRules } from './rules/directories.ts';
import { limitRules } from './rules/limits.ts';
import { listenerRules } from './rules/listeners.ts';
import { routeRules } from './rules/routes.ts';
import { secretRules } from './rules/secrets.ts';
import { storeRules } from './rules/stores.ts';
import { upstreamRules } from './rules/upstreams.ts';

/**
 * What must fit together across keys. Each rule looks at one thing and runs also where other parts of the configuration are
 * wrong, so a rule takes nothing for granted that the schema has not checked.
 */
export const rules: readonly Rule[] = [
  ...listenerRules,
  ...certificateRules,
  ...limitRules,
  ...directoryRules,
  ...upstreamRules,
  ...storeRules,
  ...routeRules,
  ...secretRules,
];
