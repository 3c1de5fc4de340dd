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
  const items: FetchItem[] = [];
  const scanItem = (): FetchPart => {
    const name = scanName(scanner);
    const item = findItem(name, vocabulary);
    items.push(item);
    return item.parse(scanner);
  };
  const parts: FetchPart[] = [];
  if (scanner.peek() === '(') parts.push(...scanner.list(scanItem));
  else {
    const name = scanName(scanner);
    const names = vocabulary.fetchMacros.get(name)?.items ?? [name];
    for (const each of names) {
      const item = findItem(each, vocabulary);
      items.push(item);
      parts.push(item.parse(scanner));
    }
  }
  if (parts.length === 0) throw new Malformed('an item was expected');
  if (!byUid || items.some(({ name }) => name === 'UID')) return parts;
  return [findItem('UID', vocabulary).parse(scanner), ...parts];
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
  if (!item) throw new Malformed(`${name} is no item that can be fetched`);
  return item;
}
