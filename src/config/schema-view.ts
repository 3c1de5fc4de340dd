import { z } from 'zod';
import type { Path } from './problem.ts';
import { configSchema } from './schema.ts';

/** The schema as plain data (JSON Schema draft 7), which messages, the reference and editors are made from. */
export type SchemaNode = Exclude<z.core.JSONSchema._JSONSchema, boolean>;

/** The whole configuration's JSON Schema: the same on every machine, reading nothing. */
export function configJsonSchema(): SchemaNode {
  const untouched = () => {
    throw new Error('a JSON Schema is made without reading anything');
  };
  const schema = configSchema({
    readText: untouched,
    readEnvironment: untouched,
    resolvePath: untouched,
    fileMode: untouched,
    now: untouched,
  });
  // Standard-schema methods come along as non-enumerable parts; a copy is plain data.
  const { ...plain } = z.toJSONSchema(schema, { io: 'input', target: 'draft-07' });
  return plain;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value says at a path; undefined when nothing. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (Array.isArray(inner)) return inner[Number(step)];
    return isRecord(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined;
  }, value);
}

/** The schemas that a value may follow: those of a union, less the ones whose constants (kind: ldap) it contradicts. */
export function alternatives(node: SchemaNode, value: unknown): readonly SchemaNode[] {
  const branches = (node.anyOf ?? node.oneOf ?? []).filter(branch => typeof branch !== 'boolean');
  if (branches.length === 0) return [node];
  const fitting = branches.filter(branch =>
    Object.entries(branch.properties ?? {}).every(([key, property]) => {
      if (typeof property === 'boolean' || property.const === undefined) return true;
      return isRecord(value) && value[key] === property.const;
    }),
  );
  return fitting.length > 0 ? fitting : branches;
}

/** The schema of what stands at a path; undefined where nothing may stand. */
export function schemaAt(root: SchemaNode, value: unknown, path: Path): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const [index, step] of path.entries()) {
    const here = valueAt(value, path.slice(0, index));
    const inner: SchemaNode[] = alternatives(node, here).flatMap(branch => stepInto(branch, step));
    node = inner.length > 1 ? { anyOf: inner } : inner[0];
    if (!node) return undefined;
  }
  return node;
}

function stepInto(node: SchemaNode, step: string | number): SchemaNode[] {
  const items = Array.isArray(node.items) ? undefined : node.items;
  const inner = typeof step === 'number' ? items : (node.properties?.[step] ?? node.additionalProperties);
  return typeof inner === 'object' ? [inner] : [];
}

/** Keys that may stand in a mapping. */
export function knownKeys(node: SchemaNode | undefined, value: unknown): readonly string[] {
  if (!node) return [];
  return [...new Set(alternatives(node, value).flatMap(branch => Object.keys(branch.properties ?? {})))];
}

/** Kind of value in the words of the reference: "text", "duration", "a or b". */
export function typeName(node: SchemaNode): string {
  if (typeof node.title === 'string') return node.title;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum)
    return node.enum
      .map(String)
      .join(', ')
      .replace(/, ([^,]*)$/, ' or $1');
  const branches = node.anyOf ?? node.oneOf;
  if (branches) {
    const names = branches.map(branch => (typeof branch === 'boolean' ? 'anything' : typeName(branch)));
    return [...new Set(names)].join(' or ');
  }
  switch (node.type) {
    case 'array': {
      const items = typeof node.items === 'object' && !Array.isArray(node.items) ? typeName(node.items) : undefined;
      if (items === 'mapping' || items === 'text') return `list of ${items}s`;
      return items === undefined ? 'list' : `list of: ${items}`;
    }
    case 'object':
      return 'mapping';
    case 'integer':
      return 'whole number';
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    default:
      return typeof node.type === 'string' ? node.type : 'anything';
  }
}

/** The one section that has such a key, for keys that were indented wrongly; undefined when there is none or several. */
export function sectionWithKey(root: SchemaNode, key: string): string | undefined {
  const sections = Object.entries(root.properties ?? {}).filter(
    ([, section]) => typeof section === 'object' && Object.hasOwn(section.properties ?? {}, key),
  );
  return sections.length === 1 ? sections[0]?.[0] : undefined;
}
