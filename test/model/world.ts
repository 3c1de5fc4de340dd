import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect } from 'node:net';
import { flagNames } from '../../src/mail/flags.ts';
import { LAST_UID, type Uid } from '../../src/mail/ids.ts';
import type { Store } from '../../src/mail/store.ts';
import { normaliseRanges } from '../../src/mail/uid-ranges.ts';
import { InProcessDoor } from '../support/in-process-door.ts';
import type { MemoryBox } from '../support/memory-mailbox.ts';
import { MemoryAccount } from '../support/memory-store.ts';
import { Player, type Stage } from './player.ts';
import { Racer } from './racer.ts';
import type { Step } from './steps.ts';
import { Truth } from './truth.ts';
import { WireClient } from './wire-client.ts';

/** Where the accounts of a world are kept. Each is new, with INBOX, `a` and `b`. */
export interface Backing {
  /** Another Store of an account. */
  open(account: string): Promise<Store>;
  /** The account is not needed any more. */
  drop(account: string): Promise<void>;
  close(): Promise<void>;
}

/** Sessions on plain arrays: whatever is found then, the sessions have done. */
export function memoryBacking(): Backing {
  const accounts = new Map<string, MemoryAccount>();
  return {
    async open(name) {
      const account =
        accounts.get(name) ?? new MemoryAccount({ folders: { a: undefined, b: undefined }, pageChanges: 2 });
      accounts.set(name, account);
      return account.open();
    },
    async drop(name) {
      accounts.delete(name);
    },
    async close() {},
  };
}

/** Real sessions over loopback on some backing. Every run has an account of its own. */
export class World {
  /** Steps done so far. */
  steps = 0;
  readonly #backing: Backing;
  readonly #door: InProcessDoor;
  #runs = 0;

  private constructor(backing: Backing, door: InProcessDoor) {
    this.#backing = backing;
    this.#door = door;
  }

  static async open(backing: Backing): Promise<World> {
    return new World(backing, await InProcessDoor.open({ open: account => backing.open(account) }));
  }

  async close(): Promise<void> {
    await this.#door.close();
    await this.#backing.close();
  }

  /**
   * One step after the other, then rest: every client's belief, the model and the store are the same.
   * @throws AssertionError, saying which step
   */
  async play(sessions: number, steps: readonly Step[]): Promise<void> {
    this.#runs += 1;
    const account = `run-${this.#runs}`;
    const store = await this.#backing.open(account);
    const truth = new Truth();
    const players: Player[] = [];
    try {
      const stage = this.#stage(account, store);
      while (players.length < sessions) players.push(await Player.enter(stage, truth));
      for (const [index, { who, action }] of steps.entries()) {
        await within(`step ${index}, session ${who}: ${JSON.stringify(action)}`, () => players[who]?.perform(action));
        this.steps += 1;
      }
      for (const [who, player] of players.entries()) await within(`rest of session ${who}`, () => player.rest());
      await compare(store, truth);
      assert.deepEqual(this.#door.complaints, []);
    } finally {
      for (const player of players) player.leave();
      await store.close();
      await this.#backing.drop(account);
      this.#door.log.length = 0;
    }
  }

  /**
   * All sessions at once, each by its own plan, then rest: every client's belief and the store are the same.
   * @throws AssertionError
   */
  async race(plans: readonly (readonly Step[])[]): Promise<void> {
    this.#runs += 1;
    const account = `run-${this.#runs}`;
    const store = await this.#backing.open(account);
    const racers = plans.map(() => new Racer(this.#stage(account, store)));
    try {
      await Promise.all(
        racers.map(async (racer, who) => {
          await racer.enter();
          for (const { action } of plans[who] ?? []) {
            await within(`session ${who}: ${JSON.stringify(action)}`, () => racer.perform(action));
            this.steps += 1;
          }
        }),
      );
      for (const [who, racer] of racers.entries()) await within(`rest of session ${who}`, () => racer.rest());
      assert.deepEqual(this.#door.complaints, []);
    } finally {
      for (const racer of racers) racer.leave();
      await store.close();
      await this.#backing.drop(account);
      this.#door.log.length = 0;
    }
  }

  #stage(account: string, store: Store): Stage {
    const { port } = this.#door;
    return {
      login: `LOGIN ${account} x`,
      store,
      async connect(hear) {
        const socket = connect({ host: '127.0.0.1', port, noDelay: true });
        await once(socket, 'connect');
        const client = new WireClient(socket, hear);
        await client.greeting();
        return client;
      },
    };
  }
}

async function within(what: string, work: () => Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in 10 s')), 10_000);
  });
  try {
    await Promise.race([work(), late]);
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** The store has what the model has. */
async function compare(store: Store, truth: Truth): Promise<void> {
  const there = (await store.list()).filter(({ id }) => id !== undefined).map(({ name }) => name);
  assert.deepEqual(there.sort(), [...truth.account.boxes.keys()].sort(), 'mailboxes');
  for (const [name, box] of truth.account.boxes) await compareMailbox(store, name, box);
}

async function compareMailbox(store: Store, name: string, box: MemoryBox): Promise<void> {
  const status = await store.status(name);
  const { exists, unseen, deleted, size, uidNext } = box.status();
  assert.deepEqual(
    [status.exists, status.unseen, status.deleted, status.size, status.uidNext],
    [exists, unseen, deleted, size, uidNext],
    `counters of ${name}`,
  );
  const mailbox = await store.open(name, true);
  const all = normaliseRanges([[1 as Uid, LAST_UID]]);
  const found: unknown[] = [];
  for await (const page of mailbox.rows(all, ['flags', 'size'], new AbortController().signal)) {
    for (const [row, uid] of page.uids.entries()) {
      found.push([uid, flagNames(page.flags?.[row] ?? 0, page.keywords).sort(), page.sizes?.[row]]);
    }
  }
  await mailbox.close();
  const expected = box.messages.map(({ uid, flags, letter }) => [uid, [...flags].sort(), letter.octets.length]);
  assert.deepEqual(found, expected, `messages of ${name}`);
}
