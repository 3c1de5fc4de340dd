import { FilterParser } from 'ldapts';
import { distinguishedNameKey, parseDistinguishedName } from '../distinguished-name.ts';
import type { Asking } from '../ldap/dialect.ts';
import type { LdapEntry } from '../ldap/response.ts';

/** One domain of the forest. */
export interface Domain {
  /** DN of its topmost entry. */
  readonly root: string;
  /** DNS name in lower case. */
  readonly dns: string;
  /** What stands before the backslash in `CORP\alice`, in lower case; undefined where it could not be read. */
  readonly netbios: string | undefined;
}

const ANYTHING = FilterParser.parseString('(objectClass=*)');
const DOMAINS = FilterParser.parseString('(&(objectClass=crossRef)(nETBIOSName=*))');
/** More domains than any forest has, and fewer than a server sends at once. */
const MOST_DOMAINS = 900;

/**
 * The domains whose users are below a base: the one that the base is in, or with the empty base (a global catalog's) all of the forest.
 * Asked for once in a while, since domains are hardly ever renamed.
 */
export class Domains {
  readonly #base: string;
  readonly #ttl: number;
  readonly #now: () => number;
  #known: readonly Domain[] | undefined;
  #readAt = 0;
  #reading: Promise<readonly Domain[]> | undefined;

  /** @param ttl milliseconds @param now of a clock that never goes back */
  constructor(base: string, ttl: number, now: () => number) {
    this.#base = base;
    this.#ttl = ttl;
    this.#now = now;
  }

  /** @throws AuthError, ServerFailure */
  get(asking: Asking): Promise<readonly Domain[]> {
    if (this.#known && this.#now() - this.#readAt < this.#ttl) return Promise.resolve(this.#known);
    this.#reading ??= this.#read(asking).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(asking: Asking): Promise<readonly Domain[]> {
    const [rootDse] = await asking.find({
      base: '',
      scope: 'base',
      filter: ANYTHING,
      attributes: ['configurationNamingContext'],
      sizeLimit: 1,
    });
    const configuration = rootDse && textOf(rootDse, 'configurationnamingcontext');
    const forest = configuration === undefined ? [] : await this.#readForest(configuration, asking);
    const home = this.#base === '' ? forest : forest.filter(({ root }) => isBelow(this.#base, root));
    // Without the right to read the forest, the base still tells the DNS name.
    this.#known = home.length > 0 || this.#base === '' ? home : domainOf(this.#base);
    this.#readAt = this.#now();
    return this.#known;
  }

  async #readForest(configuration: string, asking: Asking): Promise<readonly Domain[]> {
    const entries = await asking.find({
      base: `CN=Partitions,${configuration}`,
      scope: 'one',
      filter: DOMAINS,
      attributes: ['nCName', 'nETBIOSName', 'dnsRoot'],
      sizeLimit: MOST_DOMAINS,
    });
    return entries.flatMap(entry => {
      const root = textOf(entry, 'ncname');
      const dns = textOf(entry, 'dnsroot') ?? (root === undefined ? undefined : dnsNameOf(root));
      if (root === undefined || dns === undefined) return [];
      return { root, dns: dns.toLowerCase(), netbios: textOf(entry, 'netbiosname')?.toLowerCase() };
    });
  }
}

/** The DN of the domain that an entry is in: its trailing `DC=` parts. Empty when it has none. */
export function domainRootOf(dn: string): string {
  return /(?:^|,)\s*((?:DC=(?:\\.|[^,\\])+)(?:\s*,\s*DC=(?:\\.|[^,\\])+)*)$/i.exec(dn)?.[1] ?? '';
}

/** corp.example for `DC=corp,DC=example`. */
function dnsNameOf(root: string): string {
  return (parseDistinguishedName(root) ?? []).map(([part]) => part?.value ?? '').join('.');
}

function domainOf(base: string): readonly Domain[] {
  const root = domainRootOf(base);
  return root === '' ? [] : [{ root, dns: dnsNameOf(root), netbios: undefined }];
}

function isBelow(dn: string, root: string): boolean {
  const key = (text: string) => distinguishedNameKey(parseDistinguishedName(domainRootOf(text)) ?? []);
  return key(dn) === key(root);
}

function textOf({ attributes }: LdapEntry, name: string): string | undefined {
  return attributes.get(name)?.[0]?.toString('utf8');
}
