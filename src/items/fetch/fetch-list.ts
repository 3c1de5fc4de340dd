import { Malformed } from '../../wire/malformed.ts';
import type { Scanner } from '../../wire/scanner.ts';
import type { FetchItem, FetchLimits, FetchPart } from '../fetch-item.ts';
import type { Vocabulary } from '../vocabulary.ts';

/** With the "[" of a section. */
const NAME = /[A-Za-z][A-Za-z0-9.]*\[?/y;

/**
 * What FETCH shall tell (RFC 9051 §9): a macro, an item, or items in parentheses.
 * @param byUid UID is told in any case, before all (RFC 9051 §6.4.9)
 * @throws Malformed
 */
export function scanFetchList(scanner: Scanner, vocabulary: Vocabulary, byUid: boolean): readonly FetchPart[] {
  const asked: { readonly name: string; readonly part: FetchPart }[] = [];
  const add = (name: string): void => {
    const part = findItem(name, vocabulary).parse(scanner);
    // Once is enough; sections of one name may differ.
    if (name.endsWith('[') || !asked.some(other => other.name === name)) asked.push({ name, part });
  };
  if (scanner.peek() === '(') scanner.list(() => add(scanName(scanner)));
  else {
    const name = scanName(scanner);
    for (const each of vocabulary.fetchMacros.get(name)?.items ?? [name]) add(each);
  }
  if (asked.length === 0) throw new Malformed('an item was expected');
  const parts = asked.map(({ part }) => part);
  return !byUid || asked.some(({ name }) => name === 'UID')
    ? parts
    : [findItem('UID', vocabulary).parse(scanner), ...parts];
}

/** The modifiers behind the items (RFC 4466 §2.4), if there are some. @throws Malformed */
export function scanFetchModifiers(scanner: Scanner, vocabulary: Vocabulary): readonly FetchLimits[] {
  if (!scanner.accept(' ')) return [];
  const limits = scanner.list(() => {
    const modifier = vocabulary.fetchModifiers.get(scanner.atom('a modifier').toUpperCase());
    if (!modifier) throw new Malformed('this modifier is not known');
    return modifier.parse(scanner);
  });
  if (limits.length === 0) throw new Malformed('a modifier was expected');
  return limits;
}

function scanName(scanner: Scanner): string {
  return scanner.token(NAME, 'an item').toUpperCase();
}

function findItem(name: string, { fetchItems }: Vocabulary): FetchItem {
  const item = fetchItems.get(name);
  if (!item) throw new Malformed('this item is not known');
  return item;
}
