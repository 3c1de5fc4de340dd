import type { Finding, Path } from './problem.ts';
import { quote } from './problem.ts';
import { isRecord, type SchemaNode, typeName } from './schema-view.ts';

/** A value of the wrong kind: what was expected, what is there, and how to write what was probably meant. */
export function explainMismatch(found: unknown, node: SchemaNode): Omit<Finding, 'path'> {
  const expected = typeName(node);
  if (found === null || found === undefined) {
    return {
      message: 'there is no value',
      mend: `write ${withArticle(expected)}${examplesOf(node)}, or remove the key`,
    };
  }
  // A password is not repeated on a terminal or in a log.
  if (node.title === 'secret') {
    return {
      message: `expected ${withArticle(expected)}, and this is neither text nor a mapping`,
      mend: 'put it in quotes',
    };
  }
  return {
    message: `expected ${withArticle(expected)}, and this is ${describeValue(found)}`,
    mend: mendMismatch(found, node) ?? `write ${withArticle(expected)}${examplesOf(node)}`,
  };
}

/** A required key that is not there. */
export function explainMissing(path: Path, node: SchemaNode): Omit<Finding, 'path'> {
  const name = String(path.at(-1));
  const purpose = node.description ? ` (${node.description.replace(/\.$/, '')})` : '';
  return { message: `"${name}" is missing`, mend: `add "${name}": ${typeName(node)}${purpose}` };
}

function mendMismatch(found: unknown, node: SchemaNode): string | undefined {
  const kinds = kindsOf(node);
  if (kinds.has('string') && isRecord(found)) {
    // `relay: {host}` is a mapping to YAML.
    const [[key, inner] = [], ...others] = Object.entries(found);
    if (key !== undefined && inner === null && others.length === 0) return `put it in quotes: "{${key}}"`;
  }
  if (kinds.has('array') && !kinds.has('string') && !Array.isArray(found)) {
    return isRecord(found) ? 'begin each entry with "- "' : `write a list: [${quote(found)}]`;
  }
  if (node.examples || node.enum) return undefined;
  if (kinds.has('string') && (typeof found === 'number' || typeof found === 'boolean')) {
    return `put it in quotes: "${found}"`;
  }
  if (kinds.has('boolean')) return 'write true or false, without quotes';
  if (kinds.has('integer') && typeof found === 'string' && /^\d+$/.test(found)) return `write ${found} without quotes`;
  if (kinds.has('object') && !isRecord(found)) return 'write "key: value" lines, indented below the key';
  return undefined;
}

function withArticle(name: string): string {
  if (/^["{]|^(text|true) ?/.test(name) || / or /.test(name)) return name;
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

function kindsOf(node: SchemaNode): ReadonlySet<string> {
  const branches = node.anyOf ?? node.oneOf;
  if (branches) return new Set(branches.flatMap(branch => (typeof branch === 'boolean' ? [] : [...kindsOf(branch)])));
  return new Set(typeof node.type === 'string' ? [node.type] : node.type);
}

function examplesOf(node: SchemaNode): string {
  return Array.isArray(node.examples) ? ` such as ${node.examples.map(String).join(', ')}` : '';
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isRecord(value)) return 'a mapping';
  return typeof value === 'string' ? `the text ${quote(value)}` : quote(value);
}
