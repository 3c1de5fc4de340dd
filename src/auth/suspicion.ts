import { BlockList, isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { networkKey, unmapped } from '../config/address-key.ts';
import type { SuspicionConfig, ThrottleConfig } from '../config/schema.ts';
import type { IdentityStore } from './identity-store.ts';

/** Networks that are watched at once, least used dropped first; each holds so many logins and passwords at most. */
const MOST_NETWORKS = 5000;
const MOST_SEEN = 200;
/** Logins named as evidence. */
const SAMPLE = 5;
/** Pairs of login and network that were used before: on disk, and those whose rows need not be read again. */
const MOST_PLACES = 500_000;
const MOST_PLACES_READ = 20_000;

export type SuspicionKind = 'password-spraying' | 'credential-stuffing' | 'new-network';

/** What looks like an attack, with the evidence. No passwords and no hashes of them. */
export interface SuspicionReport {
  readonly kind: SuspicionKind;
  /** Of the client that gave rise to it. */
  readonly address: string;
  /** The /24 or /48 that it is counted with. */
  readonly network: string;
  /** Whose login it is, with `new-network`. */
  readonly login?: string;
  /** Different logins refused, different passwords among them, attempts in all, and the seconds since the first; not with `new-network`. */
  readonly logins?: number;
  readonly passwords?: number;
  readonly attempts?: number;
  readonly seconds?: number;
  /** Some of the logins. */
  readonly sample?: readonly string[];
}

interface Watched {
  readonly since: number;
  readonly logins: Set<string>;
  readonly passwords: Set<string>;
  attempts: number;
  told: boolean;
}

/**
 * Looks at how attempts end and tells what looks like an attack: few passwords at many logins from one network (spraying), a password of
 * its own at each of many logins (stuffing), a login's first use from a network. Decides nothing.
 */
export class Suspicion {
  readonly #store: IdentityStore;
  readonly #config: SuspicionConfig;
  readonly #tell: (report: SuspicionReport) => void;
  readonly #now: () => number;
  readonly #exempt = new BlockList();
  readonly #networks = new LRUCache<string, Watched>({ max: MOST_NETWORKS });
  readonly #places = new LRUCache<string, true>({ max: MOST_PLACES_READ });

  /**
   * @param exempt addresses behind which there are many users, such as webmail
   * @param now milliseconds of a clock that never goes back
   */
  constructor(
    store: IdentityStore,
    config: SuspicionConfig,
    exempt: ThrottleConfig['exempt'],
    tell: (report: SuspicionReport) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#store = store;
    this.#config = config;
    this.#tell = tell;
    this.#now = now;
    for (const { address, prefix, family } of exempt) this.#exempt.addSubnet(address, prefix, family);
  }

  refused(address: string, login: string, password: string): void {
    const network = this.#networkOf(address);
    if (network === undefined || this.#config.logins === 0) return;
    const now = this.#now();
    const before = this.#networks.get(network);
    const watched = before && now - before.since < this.#config.within ? before : begin(now);
    if (watched !== before) this.#networks.set(network, watched);
    watched.attempts += 1;
    if (watched.logins.size < MOST_SEEN) watched.logins.add(login.toLowerCase());
    if (watched.passwords.size < MOST_SEEN) {
      watched.passwords.add(this.#store.mark('sprayed', password).toString('base64'));
    }
    if (watched.told || watched.logins.size < this.#config.logins) return;
    watched.told = true;
    this.#tell({
      kind: watched.passwords.size <= watched.logins.size / 2 ? 'password-spraying' : 'credential-stuffing',
      address,
      network,
      logins: watched.logins.size,
      passwords: watched.passwords.size,
      attempts: watched.attempts,
      seconds: Math.round((now - watched.since) / 1000),
      sample: [...watched.logins].slice(0, SAMPLE),
    });
  }

  succeeded(address: string, login: string): void {
    const network = this.#networkOf(address);
    if (network === undefined || !this.#config.new_networks) return;
    const name = login.toLowerCase();
    const key = `${name}\0${network}`;
    if (this.#places.get(key)) return;
    this.#places.set(key, true);
    const who = this.#store.mark('login', name);
    const where = this.#store.mark('place', name, network);
    if (this.#store.row('SELECT 1 AS known FROM places WHERE place = ?', where)) return;
    const known = this.#store.row('SELECT 1 AS known FROM places WHERE login = ? LIMIT 1', who);
    const { seq } = this.#store.run('INSERT OR IGNORE INTO places(login, place) VALUES (?, ?)', who, where);
    this.#store.keepLatest('places', seq, MOST_PLACES);
    // Somebody who was never here before has nothing to differ from.
    if (known) this.#tell({ kind: 'new-network', address, network, login });
  }

  /** Undefined for what is not to be watched. */
  #networkOf(address: string): string | undefined {
    const bare = unmapped(address);
    const exempt = isIP(bare) !== 0 && this.#exempt.check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4');
    return exempt ? undefined : networkKey(address);
  }
}

function begin(now: number): Watched {
  return { since: now, logins: new Set(), passwords: new Set(), attempts: 0, told: false };
}
