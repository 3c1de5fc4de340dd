import { FilterParser } from 'ldapts';
import { LRUCache } from 'lru-cache';
import { escapeFilterValue } from '../../config/ldap-template.ts';
import { AuthError } from '../directory.ts';
import type { Asking } from '../ldap/dialect.ts';
import type { LdapEntry } from '../ldap/response.ts';
import { domainRootOf } from './domains.ts';
import { siblingSid, sidText } from './sid.ts';

/**
 * How groups in groups are found.
 * - `token`: the domain controller computes all security groups of the user (`tokenGroups`)
 * - `chain`: it is asked for all groups that hold the user through others (LDAP_MATCHING_RULE_IN_CHAIN)
 * - `off`: only the groups that hold the user themself
 */
export type Nesting = 'token' | 'chain' | 'off';

export interface GroupOptions {
  readonly nesting: Nesting;
  /** Attribute with the DNs of the groups that hold the user themself. */
  readonly attribute: string;
  /** Milliseconds for which it is trusted which group a SID is, and which groups a primary group is in. */
  readonly ttl: number;
  /** Whether the servers hold the whole forest (global catalog). */
  readonly forest: boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/** What `Groups` needs of an entry. */
export const GROUP_ATTRIBUTES = ['objectSid', 'primaryGroupID'] as const;

const ANYTHING = FilterParser.parseString('(objectClass=*)');
/** MS-ADTS §3.1.1.3.4.4.3 LDAP_MATCHING_RULE_TRANSITIVE_EVAL. */
const IN_CHAIN = '1.2.840.113556.1.4.1941';
/** SIDs in one filter, far below what servers take and send at once. */
const BATCH = 50;
const MOST_CACHED = 50_000;

/** All groups of users: nested ones, and the primary group, which `memberOf` never names. The servers walk; loops harm nobody. */
export class Groups {
  readonly #options: GroupOptions;
  /** DN by SID; the SID itself where it is no group of this directory (another forest's). */
  readonly #names: LRUCache<string, string>;
  /** DNs of the groups that hold a primary group, by its DN: nearly everybody has the same one. */
  readonly #above: LRUCache<string, readonly string[]>;

  constructor(options: GroupOptions) {
    this.#options = options;
    const aging = { ttl: options.ttl, ttlResolution: 0, perf: { now: options.now } };
    this.#names = new LRUCache({ max: MOST_CACHED, ...aging });
    this.#above = new LRUCache({ max: 1000, ...aging });
  }

  /**
   * The entry with all its groups, each once. Distribution groups are in no token: those of them that hold the user themself are there in
   * any case, nested ones only by `chain`.
   * @throws AuthError `misconfigured` where they cannot be read: a group that was not read must not select another route
   */
  async complete(entry: LdapEntry, asking: Asking): Promise<LdapEntry> {
    const key = this.#options.attribute.toLowerCase();
    const direct = entry.attributes.get(key)?.map(value => value.toString('utf8')) ?? [];
    const more = await this.#find(entry, asking);
    const all = new Map([...direct, ...more].map(dn => [dn.toLowerCase(), dn]));
    const values = [...all.values()].map(dn => Buffer.from(dn));
    return { dn: entry.dn, attributes: new Map(entry.attributes).set(key, values) };
  }

  async #find(entry: LdapEntry, asking: Asking): Promise<readonly string[]> {
    if (this.#options.nesting === 'token') return this.#name(await this.#token(entry, asking), entry, asking);
    const primary = primaryGroupOf(entry);
    const [dn] = await this.#name(primary === undefined ? [] : [primary], entry, asking);
    const found = dn === undefined || dn === primary ? [] : [dn];
    if (this.#options.nesting === 'off') return found;
    const above = found[0] === undefined ? [] : await this.#holdingPrimary(found[0], asking);
    return [...(await this.#holding(entry.dn, asking)), ...found, ...above];
  }

  /** SIDs of all security groups of the user (MS-ADTS §3.1.1.4.5.19): read from the entry itself, or not at all. */
  async #token({ dn }: LdapEntry, asking: Asking): Promise<readonly string[]> {
    const question = { base: dn, scope: 'base', filter: ANYTHING, attributes: ['tokenGroups'], sizeLimit: 1 } as const;
    const [own] = await asking.find(question);
    const sids = own?.attributes.get('tokengroups')?.map(sidText) ?? [];
    if (sids.length === 0 || sids.includes(undefined)) {
      throw new AuthError(
        'misconfigured',
        `${asking.server}: tokenGroups of ${dn} cannot be read; make the service account a member of "Windows Authorization Access Group", or set users.nested to chain`,
      );
    }
    return sids.flatMap(sid => sid ?? []);
  }

  /** DNs of groups by their SIDs. */
  async #name(sids: readonly string[], { dn }: LdapEntry, asking: Asking): Promise<readonly string[]> {
    const names = new Map(sids.map(sid => [sid, this.#names.get(sid)]));
    const unknown = sids.filter(sid => names.get(sid) === undefined);
    for (let at = 0; at < unknown.length; at += BATCH) {
      const batch = unknown.slice(at, at + BATCH);
      const filter = `(|${batch.map(sid => `(objectSid=${sid})`).join('')})`;
      const found = await asking.find({
        base: this.#rootOf(dn),
        scope: 'sub',
        filter: FilterParser.parseString(filter),
        attributes: ['objectSid'],
        sizeLimit: 2 * BATCH,
      });
      for (const group of found) {
        const sid = sidOf(group);
        if (sid !== undefined) names.set(sid, group.dn);
      }
      for (const sid of batch) this.#names.set(sid, names.get(sid) ?? sid);
    }
    return sids.map(sid => names.get(sid) ?? sid);
  }

  async #holdingPrimary(primary: string, asking: Asking): Promise<readonly string[]> {
    const known = this.#above.get(primary);
    if (known) return known;
    const above = await this.#holding(primary, asking);
    this.#above.set(primary, above);
    return above;
  }

  /** DNs of the groups that hold an entry, directly or through others. */
  async #holding(dn: string, asking: Asking): Promise<readonly string[]> {
    const filter = `(&(objectCategory=group)(member:${IN_CHAIN}:=${escapeFilterValue(dn)}))`;
    const groups = await asking.all({
      base: this.#rootOf(dn),
      scope: 'sub',
      filter: FilterParser.parseString(filter),
      attributes: ['1.1'],
      sizeLimit: 0,
    });
    return groups.map(group => group.dn);
  }

  #rootOf(dn: string): string {
    return this.#options.forest ? '' : domainRootOf(dn);
  }
}

function primaryGroupOf(entry: LdapEntry): string | undefined {
  const sid = sidOf(entry);
  const relativeId = Number(entry.attributes.get('primarygroupid')?.[0]?.toString('latin1'));
  return sid !== undefined && relativeId > 0 ? siblingSid(sid, relativeId) : undefined;
}

function sidOf({ attributes }: LdapEntry): string | undefined {
  const bytes = attributes.get('objectsid')?.[0];
  return bytes && sidText(bytes);
}
