import { BlockList, isIP } from 'node:net';
import { LRUCache } from 'lru-cache';
import { addressKey, networkKey, unmapped } from '../config/address-key.ts';
import type { ThrottleConfig } from '../config/schema.ts';

/** Most addresses, logins, pairs of both, and proven pairs remembered. About 200 bytes each. */
const MOST = 50_000;
/** Wrong passwords told apart from the same one tried again. */
const GUESSES = 8;
/** A /48 is a site with many who log in: it may fail so many times as often as one address. */
const NETWORK_SHARE = 4;

interface Counter {
  failures: number;
  /** When the last failure was. */
  failedAt: number;
  /** When the last attempt began. */
  begunAt: number;
  /** Fingerprints of the latest wrong guesses. */
  guesses: readonly string[];
}

interface Memory {
  readonly addresses: LRUCache<string, Counter>;
  /** Of IPv6 /48s. */
  readonly networks: LRUCache<string, Counter>;
  readonly logins: LRUCache<string, Counter>;
  readonly pairs: LRUCache<string, Counter>;
  readonly proven: LRUCache<string, true>;
}

/** What counts for one attempt. */
interface Counted {
  /** Of this login from this address: attempts are spaced. */
  readonly pair: Counter | undefined;
  /** Of this address, whatever the login: attempts are spaced. Not for exempt addresses and proven pairs. */
  readonly address: Counter | undefined;
  /** Of the IPv6 /48 around it: likewise, with a larger allowance. */
  readonly network: Counter | undefined;
  /** Of this login, from wherever it was not proven: each attempt waits. Not for proven pairs. */
  readonly login: Counter | undefined;
}

/**
 * Makes guessing slow, and only guessing. Three counts of failures: of an address (an IPv6 /64 counts as one), of a login, and
 * of a login from an address. Beyond `free` failures a count has a price, `delay` times `growth` for each further failure up to
 * `maximum`, and the price is paid twice: a refusal is answered no sooner, and the next attempt does not begin sooner, so
 * that hanging up early gains nothing.
 *
 * - A login is proven from an address by a success there. Then only the count of the pair holds: whoever attacks a user
 *   from elsewhere, or a colleague's forgotten device behind the same address, cannot keep the user out.
 * - Elsewhere an attempt at a login under attack waits its price once, beside others: the owner on a new network is late by
 *   at most `maximum`, however many attack. Attempts from one address take turns, however many connections they use.
 * - The same wrong password again is a device with an old password, not a guess, and adds nothing.
 * - Behind `refuse` failures an address is not heard at all until `forget` has passed; what is refused so counts no more. IPv6 addresses
 *   are counted a second time by their /48, with four times the allowance.
 * - A success clears the pair and nothing else, or an attacker would clear a count with an account of their own.
 *
 * All times in milliseconds of the given clock.
 */
export class Throttle {
  readonly #config: ThrottleConfig;
  readonly #now: () => number;
  readonly #memory: Memory;
  readonly #exempt = new BlockList();

  constructor(config: ThrottleConfig, now: () => number = () => performance.now(), memory: Memory = emptyMemory()) {
    this.#config = config;
    this.#now = now;
    this.#memory = memory;
    for (const { address, prefix, family } of config.exempt) this.#exempt.addSubnet(address, prefix, family);
  }

  /** A throttle of another configuration with the same memory, which both keep up. */
  static from(previous: Throttle, config: ThrottleConfig): Throttle {
    return new Throttle(config, previous.#now, previous.#memory);
  }

  /**
   * How long an attempt has to wait before anybody is asked; 0 = now. Ask again after the wait, since another attempt may
   * have taken the turn, and call `begin` when it is 0.
   * @param login normalised; undefined when there is none, as it was refused
   * @param waited how long this attempt has waited already
   */
  holdFor(address: string, login: string | undefined, waited = 0): number {
    const counted = this.#counted(address, login);
    const turns = [counted.pair, counted.address].map(counter => this.#turn(counter));
    return Math.max(0, ...turns, this.#turn(counted.network, NETWORK_SHARE), this.#hold(counted.login) - waited);
  }

  /** Whether an address has failed so often that it is not heard until it has been quiet; never for a login that was proven there. */
  refuses(address: string, login: string | undefined): boolean {
    const { refuse } = this.#config;
    const { address: place, network } = this.#counted(address, login);
    const over = (counter: Counter | undefined, most: number) => counter !== undefined && counter.failures >= most;
    return refuse > 0 && (over(place, refuse) || over(network, refuse * NETWORK_SHARE));
  }

  /** An attempt begins: those after it wait their turn. */
  begin(address: string, login: string | undefined): void {
    const { pair, address: place, network } = this.#counted(address, login);
    for (const counter of [pair, place, network]) if (counter) counter.begunAt = this.#now();
  }

  /** The least time from an attempt's arrival to the answer, if it fails now; ask before calling `failed`. */
  delayFor(address: string, login: string | undefined): number {
    const { pair, address: place, network, login: name } = this.#counted(address, login);
    const prices = [pair, place, name].map(counter => this.#price((counter?.failures ?? 0) + 1));
    return Math.max(...prices, this.#price((network?.failures ?? 0) + 1, NETWORK_SHARE));
  }

  /** @param guess fingerprint of login and password, by which the same guess made again is known */
  failed(address: string, login: string | undefined, guess?: string): void {
    const keys = this.#keys(address, login);
    if (keys.pair !== undefined) this.#count(this.#memory.pairs, keys.pair, guess);
    // Failures of proven pairs count for the address, too: they slow whoever has not proven anything there.
    if (keys.address !== undefined) this.#count(this.#memory.addresses, keys.address, guess);
    if (keys.network !== undefined) this.#count(this.#memory.networks, keys.network, guess);
    if (keys.login !== undefined && !keys.proven) this.#count(this.#memory.logins, keys.login, guess);
  }

  succeeded(address: string, login: string): void {
    const { pair } = this.#keys(address, login);
    if (pair === undefined) return;
    this.#memory.pairs.delete(pair);
    this.#memory.proven.set(pair, true);
  }

  /** Whether the login was proven from this address before. */
  isProven(address: string, login: string): boolean {
    return this.#keys(address, login).proven;
  }

  #counted(address: string, login: string | undefined): Counted {
    const keys = this.#keys(address, login);
    const pair = this.#read(this.#memory.pairs, keys.pair);
    if (keys.proven) return { pair, address: undefined, network: undefined, login: undefined };
    return {
      pair,
      address: this.#read(this.#memory.addresses, keys.address),
      network: this.#read(this.#memory.networks, keys.network),
      login: this.#read(this.#memory.logins, keys.login),
    };
  }

  #keys(address: string, login: string | undefined) {
    const place = addressKey(address);
    // Whatever the rule for case: else every way to write a name in capitals would have guesses of its own.
    const name = login?.toLowerCase();
    const pair = name === undefined ? undefined : `${place ?? address}\0${name}`;
    const proven = pair !== undefined && this.#memory.proven.get(pair) === true;
    if (this.#isExempt(address)) return { pair, proven, login: name, address: undefined, network: undefined };
    // An IPv4 /24 has nothing in common but its provider.
    const network = place?.includes(':') ? networkKey(address) : undefined;
    return { pair, proven, login: name, address: place, network };
  }

  #isExempt(address: string): boolean {
    const bare = unmapped(address);
    const family = isIP(bare);
    return family !== 0 && this.#exempt.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  }

  #read(counters: LRUCache<string, Counter>, key: string | undefined): Counter | undefined {
    const counter = key === undefined ? undefined : counters.get(key);
    return counter && this.#now() - counter.failedAt < this.#config.forget ? counter : undefined;
  }

  #count(counters: LRUCache<string, Counter>, key: string, guess: string | undefined): void {
    const now = this.#now();
    const counter = this.#read(counters, key) ?? { failures: 0, failedAt: now, begunAt: now, guesses: [] };
    counter.failedAt = now;
    if (guess === undefined || !counter.guesses.includes(guess)) counter.failures += 1;
    if (guess !== undefined) {
      counter.guesses = [guess, ...counter.guesses.filter(other => other !== guess)].slice(0, GUESSES);
    }
    counters.set(key, counter);
  }

  #turn(counter: Counter | undefined, share = 1): number {
    return counter ? counter.begunAt + this.#hold(counter, share) - this.#now() : 0;
  }

  #hold(counter: Counter | undefined, share = 1): number {
    return counter && counter.failures > this.#config.free * share ? this.#price(counter.failures, share) : 0;
  }

  #price(failures: number, share = 1): number {
    const { delay, growth, maximum } = this.#config;
    const free = this.#config.free * share;
    if (delay === 0 || failures <= free) return delay;
    return Math.max(delay, Math.min(maximum, delay * growth ** (failures - free)));
  }
}

function emptyMemory(): Memory {
  return {
    addresses: new LRUCache({ max: MOST }),
    networks: new LRUCache({ max: MOST }),
    logins: new LRUCache({ max: MOST }),
    pairs: new LRUCache({ max: MOST }),
    proven: new LRUCache({ max: MOST }),
  };
}
