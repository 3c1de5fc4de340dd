import type { EmitRow } from './admin-socket.ts';

/** A line that nobody reads any more is how a client is found to be gone. */
const BEAT_MS = 1000;

/** Accounts that somebody on the admin socket keeps for a while: until they say so, or are gone. */
export class AccountHolds {
  readonly #take: ((account: string) => Promise<() => void>) | undefined;
  readonly #held = new Map<string, () => void>();

  /** @param take closes an account; what it resolves to opens it again */
  constructor(take: ((account: string) => Promise<() => void>) | undefined) {
    this.#take = take;
  }

  /** Resolves when it was released. @throws RangeError when it cannot be held; the signal's reason */
  async hold(account: string, emit: EmitRow, signal: AbortSignal): Promise<void> {
    if (!this.#take) throw new RangeError('this server keeps no mail');
    if (this.#held.has(account)) throw new RangeError(`somebody works on account ${account} already`);
    const released = Promise.withResolvers<void>();
    this.#held.set(account, released.resolve);
    let beat: NodeJS.Timeout | undefined;
    let open: (() => void) | undefined;
    try {
      open = await this.#taken(account);
      signal.throwIfAborted();
      signal.addEventListener('abort', () => released.resolve(), { once: true });
      await emit({ held: true });
      beat = setInterval(() => void emit({ held: true }).catch(() => {}), BEAT_MS);
      await released.promise;
    } finally {
      clearInterval(beat);
      this.#held.delete(account);
      open?.();
    }
  }

  /** @throws RangeError when nobody holds it */
  release(account: string): void {
    const release = this.#held.get(account);
    if (!release) throw new RangeError(`nobody works on account ${account}`);
    release();
  }

  async #taken(account: string): Promise<() => void> {
    try {
      return await (this.#take?.(account) ?? Promise.reject(new RangeError('this server keeps no mail')));
    } catch (error) {
      if (error instanceof RangeError || !(error instanceof Error)) throw error;
      const reason = error.name === 'TimeoutError' ? 'its sessions do not end' : error.message;
      throw new RangeError(`account ${account} cannot be closed: ${reason}`, { cause: error });
    }
  }
}
