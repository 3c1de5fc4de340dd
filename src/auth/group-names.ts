import { distinguishedNameKey, parseDistinguishedName } from './distinguished-name.ts';

/**
 * Groups as an administrator names them. A DN names one group, however it is spelled. A plain name is that of a static
 * directory's group, or the CN of a group's DN, wherever that is in the tree: write the DN where two groups share a CN.
 */
export class GroupNames {
  readonly #names = new Map<string, string>();
  readonly #keys = new Map<string, string>();

  constructor(names: readonly string[]) {
    for (const name of names) {
      const parsed = parseDistinguishedName(name);
      if (parsed) this.#keys.set(distinguishedNameKey(parsed), name);
      else this.#names.set(name.normalize('NFKC').toLowerCase().trim(), name);
    }
  }

  get size(): number {
    return this.#names.size + this.#keys.size;
  }

  /** The first name, as the administrator wrote it, that one of a user's groups has; undefined if none has. */
  find(groups: readonly string[]): string | undefined {
    for (const group of groups) {
      const found = this.#match(group);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #match(group: string): string | undefined {
    const parsed = parseDistinguishedName(group);
    if (!parsed) return this.#names.get(group.normalize('NFKC').toLowerCase().trim());
    const first = parsed[0]?.length === 1 ? parsed[0][0] : undefined;
    const byName = first?.type === 'cn' ? this.#names.get(first.value) : undefined;
    return byName ?? this.#keys.get(distinguishedNameKey(parsed));
  }
}
