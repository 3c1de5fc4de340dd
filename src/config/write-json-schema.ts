import { writeFileSync } from 'node:fs';
import { renderReference } from './reference.ts';
import { configJsonSchema } from './schema-view.ts';

/** `npm run schema`: the JSON Schema for editors and the reference for administrators, both made from the schema. */

/** Files of the folder `config` that are made, with what belongs in them. */
export function generatedFiles(): Readonly<Record<string, string>> {
  const schema = configJsonSchema();
  const { $schema, ...rest } = schema;
  return {
    'postern.schema.json': `${JSON.stringify({ $schema, title: 'Postern configuration', ...rest }, null, 2)}\n`,
    'REFERENCE.md': renderReference(schema),
  };
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(generatedFiles())) {
    writeFileSync(new URL(`../../config/${name}`, import.meta.url), text);
  }
}
