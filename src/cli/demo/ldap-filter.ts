import { type BerCursor, TAG } from '../../auth/ldap/ber.ts';
import { MalformedMessage } from '../../auth/ldap/frames.ts';

/** A search filter (RFC 4511 §4.5.1.7), names and values in lower case. */
export type LdapFilter =
  | { readonly kind: 'and' | 'or'; readonly filters: readonly LdapFilter[] }
  | { readonly kind: 'not'; readonly filter: LdapFilter }
  | { readonly kind: 'equal'; readonly attribute: string; readonly value: string }
  | { readonly kind: 'present'; readonly attribute: string }
  | {
      readonly kind: 'substrings';
      readonly attribute: string;
      readonly initial: string;
      readonly any: readonly string[];
      readonly final: string;
    }
  /** An ordering, approximate or extensible match: nothing here is compared so. */
  | { readonly kind: 'undefined' };

const DEEPEST = 32;

/** Reads the next element. @throws MalformedMessage */
export function parseFilter(cursor: BerCursor, depth = 0): LdapFilter {
  if (depth > DEEPEST) throw new MalformedMessage('a filter is nested too deeply');
  const tag = cursor.tag;
  switch (tag) {
    case 0xa0:
    case 0xa1: {
      const filters: LdapFilter[] = [];
      for (const list = cursor.enter(tag); !list.done; ) filters.push(parseFilter(list, depth + 1));
      return { kind: tag === 0xa0 ? 'and' : 'or', filters };
    }
    case 0xa2:
      return { kind: 'not', filter: parseFilter(cursor.enter(tag), depth + 1) };
    case 0xa3: {
      const pair = cursor.enter(tag);
      return { kind: 'equal', attribute: folded(pair), value: folded(pair) };
    }
    case 0xa4:
      return parseSubstrings(cursor.enter(tag));
    case 0x87:
      return { kind: 'present', attribute: folded(cursor, tag) };
    default:
      cursor.skip();
      return { kind: 'undefined' };
  }
}

function parseSubstrings(content: BerCursor): LdapFilter {
  const attribute = folded(content);
  let initial = '';
  let final = '';
  const any: string[] = [];
  for (const parts = content.enter(TAG.sequence); !parts.done; ) {
    const tag = parts.tag;
    const text = folded(parts, tag);
    if (tag === 0x80) initial = text;
    else if (tag === 0x82) final = text;
    else any.push(text);
  }
  return { kind: 'substrings', attribute, initial, any, final };
}

function folded(cursor: BerCursor, tag?: number): string {
  return cursor.text(tag).toLowerCase();
}

/**
 * Whether an entry matches; undefined where that cannot be told, which is no match (RFC 4511 §4.5.1.7).
 * @param valuesOf the values of an attribute, named in lower case
 */
export function matches(filter: LdapFilter, valuesOf: (attribute: string) => readonly string[]): boolean | undefined {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      const results = filter.filters.map(inner => matches(inner, valuesOf));
      const decisive = filter.kind === 'or';
      if (results.includes(decisive)) return decisive;
      return results.includes(undefined) ? undefined : !decisive;
    }
    case 'not': {
      const result = matches(filter.filter, valuesOf);
      return result === undefined ? undefined : !result;
    }
    case 'present':
      return valuesOf(filter.attribute).length > 0;
    case 'equal':
      return valuesOf(filter.attribute).some(value => value.toLowerCase() === filter.value);
    case 'substrings':
      return valuesOf(filter.attribute).some(value => hasSubstrings(value.toLowerCase(), filter));
    default:
      return undefined;
  }
}

function hasSubstrings(
  value: string,
  { initial, any, final }: { initial: string; any: readonly string[]; final: string },
): boolean {
  if (!value.startsWith(initial)) return false;
  let at = initial.length;
  for (const part of any) {
    const found = value.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return value.length - final.length >= at && value.endsWith(final);
}
