import { addressKey } from '../config/address-key.ts';

/** Why a connection is turned away. */
export type Refusal = 'connections' | 'per_address' | 'draining';

/** Share of the limit that may be told BYE at a time; beyond it connections are closed without a word. */
const REFUSING_SHARE = 0.05;
const REFUSING_LEAST = 50;

/**
 * Counts connections: in all and per client address. An IPv6 /64 counts as one address, since one host owns all of it. Clients of a
 * unix socket have no address, and only the limit for all of them.
 */
export class Admission {
  #limits: { readonly connections: number; readonly per_address: number };
  readonly #perAddress = new Map<string, number>();
  #open = 0;
  #refusing = 0;
  draining = false;

  constructor(limits: { readonly connections: number; readonly per_address: number }) {
    this.#limits = limits;
  }

  set limits(limits: { readonly connections: number; readonly per_address: number }) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#open;
  }

  /** Counts the connection in, or says why it is refused (then there is nothing to leave). */
  enter(address: string): Refusal | undefined {
    if (this.draining) return 'draining';
    if (this.#open >= this.#limits.connections) return 'connections';
    const key = addressKey(address);
    if (key !== undefined) {
      const count = this.#perAddress.get(key) ?? 0;
      if (count >= this.#limits.per_address) return 'per_address';
      this.#perAddress.set(key, count + 1);
    }
    this.#open += 1;
    return undefined;
  }

  leave(address: string): void {
    this.#open -= 1;
    const key = addressKey(address);
    if (key === undefined) return;
    const count = (this.#perAddress.get(key) ?? 1) - 1;
    if (count > 0) this.#perAddress.set(key, count);
    else this.#perAddress.delete(key);
  }

  /** Whether there is room to tell a refused connection why: saying it over TLS costs a handshake. */
  enterRefusal(): boolean {
    const most = Math.max(REFUSING_LEAST, this.#limits.connections * REFUSING_SHARE);
    if (this.#refusing >= most) return false;
    this.#refusing += 1;
    return true;
  }

  leaveRefusal(): void {
    this.#refusing -= 1;
  }
}
