import { afterAll, beforeEach } from 'vitest';
import type { Store } from '../../src/mail/store.ts';
import type { ImapClient } from '../support/imap-client.ts';
import { InProcessDoor, type InProcessDoorOptions } from '../support/in-process-door.ts';
import { MemoryAccount, type MemoryOptions } from '../support/memory-store.ts';

export interface Stand {
  readonly account: MemoryAccount;
  readonly client: ImapClient;
  readonly door: InProcessDoor;
  /** A command, and what comes back, the tag apart: untagged lines, then how it ended. */
  say(...parts: readonly (string | Uint8Array)[]): Promise<string[]>;
  /** A command that must succeed. */
  must(...parts: readonly (string | Uint8Array)[]): Promise<string[]>;
}

export interface StandOptions {
  readonly account?: MemoryOptions;
  readonly limits?: InProcessDoorOptions['limits'];
  /** Stands between the session and the account. */
  readonly wrap?: (store: Store) => Store;
}

/** A logged-in client of a new account, for each test of the suite this is called in. */
export function useStand(options: StandOptions = {}): () => Stand {
  let current: { account: MemoryAccount; client: ImapClient; door: InProcessDoor } | undefined;

  beforeEach(async () => {
    await current?.door.close();
    const account = new MemoryAccount(options.account);
    const { wrap = (store: Store) => store, limits } = options;
    const door = await InProcessDoor.open({ open: () => wrap(account.open()), ...(limits && { limits }) });
    current = { account, client: await door.enter(), door };
  });
  afterAll(() => current?.door.close());

  return () => {
    if (!current) throw new Error('only within a test');
    const { client } = current;
    const say = async (...parts: readonly (string | Uint8Array)[]) => {
      const { tagged, untagged } = await client.command(...parts);
      return [...untagged, tagged.slice(tagged.indexOf(' ') + 1)];
    };
    const must = async (...parts: readonly (string | Uint8Array)[]) => {
      const lines = await say(...parts);
      if (!lines.at(-1)?.startsWith('OK')) throw new Error(`${String(parts[0])}: ${lines.at(-1)}`);
      return lines;
    };
    return { ...current, say, must };
  };
}
