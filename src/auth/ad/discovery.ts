import { promises as dns } from 'node:dns';
import type { ServerAddress } from '../../config/address.ts';
import type { Logger } from '../../observe/log.ts';
import { reasonOf, ServerFailure } from '../ldap/failure.ts';
import type { ServerSource } from '../ldap/servers.ts';

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** Resolves the SRV records of a name; rejects with code ENOTFOUND or ENODATA when there are none. Must end by itself. */
export type ResolveSrv = (name: string) => Promise<readonly SrvRecord[]>;

export interface DiscoveryOptions {
  readonly domain: string;
  /** The servers of this site come first. */
  readonly site?: string | undefined;
  /** Servers of the global catalog, by the name of the forest as `domain`. */
  readonly globalCatalog: boolean;
  readonly tls: 'implicit' | 'starttls' | 'none';
  /**
   * Whether only servers below the domain are believed. DNS is not protected: with authorities that certify anybody, it could send
   * us to a server that proves to be itself and is not the domain's.
   */
  readonly insideOnly: boolean;
  /** Milliseconds for which an answer is used. */
  readonly refresh: number;
  readonly log: Logger;
  readonly resolve?: ResolveSrv;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/** After a failure it is not asked again before this. */
const FAILED_MS = 15_000;
const DNS_TIMEOUT_MS = 1500;

/** Domain controllers as DNS names them (MS-ADTS §6.3.2.3), asked for again once in a while; until there is an answer the last one holds. */
export class DiscoveredServers implements ServerSource {
  readonly #options: DiscoveryOptions;
  readonly #resolve: ResolveSrv;
  readonly #now: () => number;
  #known: { readonly servers: readonly ServerAddress[]; readonly key: string } | undefined;
  #freshUntil = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #failure: ServerFailure | undefined;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#resolve = options.resolve ?? systemResolver();
    this.#now = options.now ?? (() => performance.now());
  }

  /** Only the very first answer is waited for. @throws ServerFailure */
  async servers(): Promise<readonly ServerAddress[]> {
    if (this.#now() >= this.#freshUntil) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      if (!this.#known) await this.#asking;
    }
    if (this.#known) return this.#known.servers;
    throw this.#failure ?? new ServerFailure('unavailable', 'no domain controller is known yet');
  }

  close(): void {
    this.#freshUntil = Number.POSITIVE_INFINITY;
  }

  async #ask(): Promise<void> {
    const { domain, refresh, log } = this.#options;
    try {
      const records = await this.#records();
      const key = JSON.stringify(records);
      // The same answer leaves the order as it is: the servers in use stay in use.
      if (key !== this.#known?.key) this.#known = { servers: this.#addresses(records), key };
      this.#freshUntil = Math.max(this.#freshUntil, this.#now() + refresh);
      this.#failure = undefined;
    } catch (error) {
      this.#failure = new ServerFailure('unavailable', `no domain controllers of ${domain}: ${reasonOf(error)}`, error);
      this.#freshUntil = Math.max(this.#freshUntil, this.#now() + FAILED_MS);
      log.warn(
        { domain, reason: reasonOf(error), keptServers: this.#known?.servers.length ?? 0 },
        'DNS names no domain controllers',
      );
    }
  }

  /** Those of the site, and all of the domain, each sorted. @throws Error when there are none */
  async #records(): Promise<readonly (readonly SrvRecord[])[]> {
    const { domain, site, globalCatalog } = this.#options;
    const below = `${globalCatalog ? 'gc' : 'dc'}._msdcs.${domain}`;
    const near =
      site === undefined ? [] : await this.#resolveOne(`_ldap._tcp.${site}._sites.${below}`).catch(this.#warn);
    const all = await this.#resolveOne(`_ldap._tcp.${below}`);
    if (near.length === 0 && all.length === 0) throw new Error(`there is no usable SRV record _ldap._tcp.${below}`);
    return [near, all];
  }

  readonly #warn = (error: unknown): readonly SrvRecord[] => {
    const { site, log } = this.#options;
    log.warn({ site, reason: reasonOf(error) }, 'the domain controllers of the site cannot be found');
    return [];
  };

  async #resolveOne(name: string): Promise<readonly SrvRecord[]> {
    const { domain, insideOnly, log } = this.#options;
    const records = await this.#resolve(name).catch((error: unknown) => {
      if (isNoRecord(error)) return [];
      throw error;
    });
    // RFC 2782: a lone "." says that the service is not there.
    const usable = records
      .map(record => ({ ...record, name: record.name.toLowerCase().replace(/\.$/, '') }))
      .filter(record => record.name !== '');
    const believed = insideOnly ? usable.filter(record => record.name.endsWith(`.${domain.toLowerCase()}`)) : usable;
    if (believed.length < usable.length) {
      log.warn(
        { name },
        'DNS names servers outside the domain, which are not used: set ca, so that their certificates decide',
      );
    }
    const field = ({ priority, name: host, port, weight }: SrvRecord) => [priority, weight, host, port].join('\0');
    return believed.sort((one, other) => one.priority - other.priority || (field(one) < field(other) ? -1 : 1));
  }

  #addresses(lists: readonly (readonly SrvRecord[])[]): readonly ServerAddress[] {
    const addresses = lists.flatMap(records => inOrder(records, this.#options.random ?? Math.random));
    const byName = new Map<string, ServerAddress>();
    for (const { name, port } of addresses) {
      const address = { host: name, port: this.#portFor(port) };
      const key = `${name}:${address.port}`;
      if (!byName.has(key)) byName.set(key, address);
    }
    return [...byName.values()];
  }

  /** SRV records name the port for plain LDAP and StartTLS only. */
  #portFor(port: number): number {
    if (this.#options.tls !== 'implicit') return port;
    return (
      new Map([
        [389, 636],
        [3268, 3269],
      ]).get(port) ?? port
    );
  }
}

/** By priority; among equals at random, each with a chance by its weight (RFC 2782). */
export function inOrder(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const left = [...records].sort((one, other) => one.priority - other.priority || one.weight - other.weight);
  while (left.length > 0) {
    const equals = left.filter(({ priority }) => priority === left[0]?.priority);
    const chosen = drawn(equals, random());
    if (!chosen) break;
    left.splice(left.indexOf(chosen), 1);
    ordered.push(chosen);
  }
  return ordered;
}

/** @param records by weight, the least first @param chance from 0 to below 1 */
function drawn(records: readonly SrvRecord[], chance: number): SrvRecord | undefined {
  const total = records.reduce((sum, { weight }) => sum + weight, 0);
  const mark = Math.floor(chance * (total + 1));
  let sum = 0;
  for (const record of records) {
    sum += record.weight;
    if (sum >= mark) return record;
  }
  return undefined;
}

function systemResolver(): ResolveSrv {
  const resolver = new dns.Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  return name => resolver.resolveSrv(name);
}

function isNoRecord(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOTFOUND' || error.code === 'ENODATA');
}
