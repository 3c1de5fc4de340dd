import type { DecodeCharset } from '../imap/charset.ts';
import type { FetchItem, FetchMacro, FetchModifier } from './fetch-item.ts';
import type { SearchKey } from './search-key.ts';
import type { StatusItem } from './status-item.ts';
import type { StoreModifier } from './store-modifier.ts';

/** What one extension adds to the grammar of FETCH, STORE, SEARCH and STATUS. */
export interface Words {
  readonly fetchItems?: readonly FetchItem[];
  readonly fetchMacros?: readonly FetchMacro[];
  readonly fetchModifiers?: readonly FetchModifier[];
  readonly storeModifiers?: readonly StoreModifier[];
  readonly searchKeys?: readonly SearchKey[];
  readonly statusItems?: readonly StatusItem[];
}

/** All that is registered, by name. */
export interface Vocabulary {
  readonly fetchItems: ReadonlyMap<string, FetchItem>;
  readonly fetchMacros: ReadonlyMap<string, FetchMacro>;
  readonly fetchModifiers: ReadonlyMap<string, FetchModifier>;
  readonly storeModifiers: ReadonlyMap<string, StoreModifier>;
  readonly searchKeys: ReadonlyMap<string, SearchKey>;
  readonly statusItems: ReadonlyMap<string, StatusItem>;
  /** For the texts of SEARCH. */
  readonly decodeCharset: DecodeCharset;
}

export function openVocabulary(all: readonly Words[], decodeCharset: DecodeCharset): Vocabulary {
  return {
    fetchItems: byName(all.flatMap(words => words.fetchItems ?? [])),
    fetchMacros: byName(all.flatMap(words => words.fetchMacros ?? [])),
    fetchModifiers: byName(all.flatMap(words => words.fetchModifiers ?? [])),
    storeModifiers: byName(all.flatMap(words => words.storeModifiers ?? [])),
    searchKeys: byName(all.flatMap(words => words.searchKeys ?? [])),
    statusItems: byName(all.flatMap(words => words.statusItems ?? [])),
    decodeCharset,
  };
}

function byName<T extends { readonly name: string }>(entries: readonly T[]): ReadonlyMap<string, T> {
  return new Map(entries.map(entry => [entry.name, entry]));
}
