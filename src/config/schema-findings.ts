import type { z } from 'zod';
import { type FaultParams, splitFault } from './fault.ts';
import { nearest, suggest } from './nearest.ts';
import { keyNotYet, valueNotYet } from './not-yet.ts';
import { type Finding, formatPath, type Path, quote } from './problem.ts';
import { isRecord, knownKeys, type SchemaNode, schemaAt, sectionWithKey, valueAt } from './schema-view.ts';
import { explainMismatch, explainMissing } from './type-mismatch.ts';

type Issue = z.core.$ZodIssue;

/**
 * What zod found, in the words of an administrator: each finding says what is wrong and what would be right. One slip gives
 * one finding: a misspelt key does not also make the right key "missing".
 *
 * @param value the configuration as it was read, which the issues are about
 * @param schema the JSON Schema of the configuration
 */
export function schemaFindings(issues: readonly Issue[], value: unknown, schema: SchemaNode): readonly Finding[] {
  const flat = issues.flatMap(issue => flatten(issue, []));
  const unknown = flat.flatMap(issue =>
    issue.code === 'unrecognized_keys' ? issue.keys.map(key => ({ parent: toPath(issue.path), key })) : [],
  );
  const explained = new Set(
    unknown.flatMap(({ parent, key }) => {
      const meant = nearest(key, knownKeys(schemaAt(schema, value, parent), valueAt(value, parent)));
      return meant === undefined ? [] : [formatPath([...parent, meant])];
    }),
  );
  // A key of a later version stands for the one that this version would have there.
  const ahead = new Set(
    unknown.filter(({ parent, key }) => keyNotYet(parent, key)).map(({ parent }) => formatPath(parent)),
  );
  const withUnknown = new Set(unknown.map(({ parent }) => formatPath(parent)));
  return flat
    .filter(issue => {
      const path = toPath(issue.path);
      const place = formatPath(path);
      if (issue.code === 'custom' && issue.params?.followsUnknownKey === true) return !withUnknown.has(place);
      return !((explained.has(place) || ahead.has(formatPath(path.slice(0, -1)))) && isMissing(value, path));
    })
    .flatMap(issue => explain(issue, value, schema));
}

/** Unknown keys among issues, which can be taken out to see whether the rest is right. */
export function unknownKeys(issues: readonly Issue[]): readonly Path[] {
  return issues
    .flatMap(issue => flatten(issue, []))
    .flatMap(issue => (issue.code === 'unrecognized_keys' ? issue.keys.map(key => [...toPath(issue.path), key]) : []));
}

/** Replaces the issue of a union by those of the one alternative that was probably meant. Paths become absolute. */
function flatten(issue: Issue, prefix: readonly PropertyKey[]): Issue[] {
  const here: Issue = { ...issue, path: [...prefix, ...issue.path] };
  if (here.code !== 'invalid_union' || here.discriminator !== undefined) return [here];
  const fitting = here.errors.filter(
    branch =>
      !branch.some(({ code, path }) => path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')),
  );
  const [closest] = fitting.toSorted((a, b) => a.length - b.length);
  return closest ? closest.flatMap(inner => flatten(inner, here.path)) : [here];
}

function toPath(path: readonly PropertyKey[]): Path {
  return path.map(step => (typeof step === 'number' ? step : String(step)));
}

function isMissing(value: unknown, path: Path): boolean {
  const parent = valueAt(value, path.slice(0, -1));
  const last = path.at(-1);
  return last !== undefined && !(isRecord(parent) && Object.hasOwn(parent, last)) && !Array.isArray(parent);
}

function explain(issue: Issue, value: unknown, schema: SchemaNode): Finding[] {
  const path = toPath(issue.path);
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => explainUnknownKey(path, key, value, schema));
  if (issue.code === 'custom') {
    const params: Partial<FaultParams> = issue.params ?? {};
    return [{ path, message: issue.message, mend: params.mend ?? 'correct the value' }];
  }
  const node = schemaAt(schema, value, path) ?? {};
  if (isMissing(value, path)) return [{ path, ...explainMissing(path, node) }];
  return [{ path, ...explainValue(issue, path, valueAt(value, path), node) }];
}

function explainValue(issue: Issue, path: Path, found: unknown, node: SchemaNode): Omit<Finding, 'path'> {
  switch (issue.code) {
    case 'invalid_value':
      return valueNotYet(path, found) ?? explainChoice(found, issue.values.map(String), node);
    case 'invalid_union':
      return issue.discriminator === undefined || found === null
        ? explainMismatch(found, node)
        : (valueNotYet(path, found) ?? explainChoice(found, optionsOf(issue), node));
    case 'invalid_format':
      return splitFault(issue.message);
    case 'invalid_key': {
      const [inner] = issue.issues;
      return { at: 'key', ...splitFault(inner?.message ?? issue.message) };
    }
    case 'too_small':
    case 'too_big':
      return explainBound(issue, found);
    default:
      return explainMismatch(found, node);
  }
}

function optionsOf(issue: Extract<Issue, { code: 'invalid_union' }>): readonly string[] {
  return 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
}

function explainChoice(found: unknown, values: readonly string[], node: SchemaNode): Omit<Finding, 'path'> {
  if (typeof found !== 'string' && values.every(value => typeof value === 'string'))
    return explainMismatch(found, node);
  const near = nearest(String(found), values);
  return {
    message: `${quote(found)} is not one of ${values.join(', ')}`,
    mend: near === undefined ? `write ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}` : `write ${near}`,
  };
}

function explainBound(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>, found: unknown): Omit<Finding, 'path'> {
  if (issue.origin === 'array' || issue.origin === 'string') {
    const what = issue.origin === 'array' ? 'the list' : 'the text';
    return { message: `${what} is empty`, mend: 'name at least one, or remove the key if it is optional' };
  }
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const side = issue.code === 'too_small' ? (issue.inclusive ? 'at least' : 'more than') : 'at most';
  return { message: `${quote(found)} is out of range`, mend: `write a number of ${side} ${bound}` };
}

function explainUnknownKey(parent: Path, key: string, value: unknown, schema: SchemaNode): Finding {
  const path = [...parent, key];
  const later = keyNotYet(parent, key);
  if (later) return { path, at: 'key', ...later };
  const here = valueAt(value, parent);
  const node = schemaAt(schema, value, parent);
  const known = knownKeys(node, here);
  if (known.includes(key)) {
    const others = isRecord(here) ? Object.keys(here).filter(other => other !== key && known.includes(other)) : [];
    const message = `"${key}" cannot stand beside ${others.map(other => `"${other}"`).join(', ')}`;
    return { path, at: 'key', message, mend: 'keep one of them' };
  }
  const section = sectionWithKey(schema, key);
  const otherwise = section ? `move it under "${section}:"` : `known here: ${known.join(', ')}`;
  return { path, at: 'key', message: `unknown key "${key}"`, mend: suggest(key, known, otherwise) };
}
