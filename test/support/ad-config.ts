import { readFileSync } from 'node:fs';
import { directorySchema } from '../../src/config/directories.ts';
import type { AdConfig } from '../../src/config/schema.ts';
import { outsideValues } from '../../src/config/values.ts';
import { SAMBA_SERVICE } from './samba.ts';
import { testCa } from './test-ca.ts';

const schema = directorySchema(
  outsideValues({
    readText: path => readFileSync(path, 'utf8'),
    readEnvironment: () => undefined,
    resolvePath: path => path,
    fileMode: () => undefined,
    now: Date.now,
  }),
);

/**
 * A configuration as loading would give it, with all defaults: of the domain ad.test, under the names that the test authority's
 * certificates have. @throws ZodError
 */
export async function adConfig(keys: Readonly<Record<string, unknown>>): Promise<AdConfig> {
  const config = schema.parse({
    kind: 'ad',
    domain: 'ad.test',
    ca: (await testCa()).file,
    server_name: 'localhost',
    bind: SAMBA_SERVICE,
    ...keys,
  });
  if (config.kind !== 'ad') throw new Error('not kind: ad');
  return config;
}
