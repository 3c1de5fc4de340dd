import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { flagNames } from '../../src/mail/flags.ts';
import { LAST_UID, type ModSeq, type Uid } from '../../src/mail/ids.ts';
import type { Cursor } from '../../src/mail/message.ts';
import type { Store } from '../../src/mail/store.ts';
import type { Stage } from './player.ts';
import { type Heard, readResponse, readState } from './responses.ts';
import { type Action, FLAGS, type Pick } from './steps.ts';
import type { WireClient } from './wire-client.ts';

type Flags = ReadonlySet<string>;

interface Seen {
  uid: number | undefined;
  flags: Flags | undefined;
}

/** What a client knew of a mailbox when it left it, and the values it would synchronise from. */
interface Left {
  readonly box: string;
  readonly uids: ReadonlyMap<number, Flags | undefined>;
  readonly since: readonly number[];
}

/** Mailboxes that are raced for. */
export const COURSE = ['INBOX', 'a'] as const;

/**
 * A client that others do not wait for: nobody knows in which order commands take effect. It checks what must hold in any order, and
 * at rest its belief against the store.
 */
export class Racer {
  readonly #stage: Stage;
  #client: WireClient | undefined;
  #box: string | undefined;
  #seen: Seen[] = [];
  #readOnly = false;
  #quiet = false;
  #told = new Set<Seen>();
  #highest = 0;
  #largest = 0;
  #largestSoFar = 0;
  readonly #left: Left[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async enter(): Promise<void> {
    this.#client = await this.#stage.connect(line => this.#hear(readResponse(line)));
    await this.#say(this.#stage.login);
    await this.#say('ENABLE CONDSTORE');
    await this.#select('INBOX', false);
  }

  leave(): void {
    this.#client?.close();
  }

  async perform(action: Action): Promise<void> {
    switch (action.kind) {
      case 'append': {
        const text = `Subject: raced\r\n\r\n${'x'.repeat(action.to)}\r\n`;
        await this.#say(`APPEND ${COURSE[action.to % 2]} (${action.flags.map(flag => FLAGS[flag]).join(' ')})`, text);
        return;
      }
      case 'select':
        return this.#select(COURSE[action.box % 2] ?? 'INBOX', action.readOnly);
      case 'idle':
        return this.#idle();
      case 'store':
        return this.#store(action);
      case 'expunge':
        if (!this.#readOnly) await this.#say('EXPUNGE');
        return;
      case 'copy': {
        const set = this.#set(action.set);
        const move = action.move && !this.#readOnly;
        if (set)
          await this.#say(`${move ? 'MOVE' : 'COPY'} ${set.text} ${COURSE[action.to % 2]}`, undefined, ['OK', 'NO']);
        return;
      }
      case 'fetch': {
        const set = this.#set(action.set);
        if (set) await this.#say(`FETCH ${set.text} (${action.items})`, undefined, ['OK', 'NO'], true);
        return;
      }
      case 'search':
        await this.#say('SEARCH OR UNSEEN DELETED', undefined, ['OK'], true);
        return;
      default:
        await this.#say('NOOP');
    }
  }

  /** When nobody moves any more: what the client believes is so, and so it is for each time it left. */
  async rest(): Promise<void> {
    await this.#say('NOOP');
    const { store } = this.#stage;
    if (this.#box !== undefined) {
      const there = await contents(store, this.#box);
      assert.equal(this.#seen.length, there.size, `messages in ${this.#box}`);
      for (const [index, [uid, flags]] of [...there].entries()) {
        const seen = this.#seen[index];
        if (seen?.uid !== undefined) assert.equal(seen.uid, uid, `UID of message ${index + 1}`);
        if (seen?.flags) assert.deepEqual(seen.flags, flags, `flags of UID ${uid}`);
      }
    }
    for (const left of this.#left) for (const since of left.since) await catchesUp(store, left, since);
  }

  async #select(box: string, readOnly: boolean): Promise<void> {
    this.#leaveMailbox();
    this.#box = box;
    this.#readOnly = readOnly;
    await this.#say(`${readOnly ? 'EXAMINE' : 'SELECT'} ${box} (CONDSTORE)`);
    if (this.#seen.length > 0) await this.#say('FETCH 1:* (UID FLAGS)', undefined, ['OK', 'NO'], true);
    // As if the connection broke now.
    this.#note();
  }

  #leaveMailbox(): void {
    this.#note();
    this.#seen = [];
    this.#highest = 0;
    this.#largest = 0;
    this.#largestSoFar = 0;
  }

  #note(): void {
    const known = this.#seen.flatMap(({ uid, flags }) => (uid === undefined ? [] : [[uid, flags] as const]));
    const since = [this.#highest, this.#largest].filter(value => value > 0);
    if (this.#box !== undefined) this.#left.push({ box: this.#box, uids: new Map(known), since });
  }

  async #idle(): Promise<void> {
    this.#quiet = false;
    const done = await this.#client?.idle();
    await sleep(1);
    assert.equal(readState((await done?.()) ?? '')?.name, 'OK');
    this.#largest = this.#largestSoFar;
  }

  async #store({ set: pick, change, flags, silent }: Extract<Action, { kind: 'store' }>): Promise<void> {
    const set = this.#set(pick);
    if (!set || this.#readOnly) return;
    const names = flags.map(flag => FLAGS[flag] ?? '');
    const sign = { add: '+', remove: '-', replace: '' }[change];
    await this.#say(
      `STORE ${set.text} ${sign}FLAGS${silent ? '.SILENT' : ''} (${names.join(' ')})`,
      undefined,
      ['OK', 'NO'],
      true,
    );
    for (const seen of set.meant) {
      // What was told came after its own change.
      if (!seen.flags || this.#told.has(seen)) continue;
      const lower = names.map(name => name.toLowerCase());
      if (change === 'replace') seen.flags = new Set(lower);
      else if (change === 'add') seen.flags = new Set([...seen.flags, ...lower]);
      else seen.flags = new Set([...seen.flags].filter(flag => !lower.includes(flag)));
    }
  }

  async #say(text: string, literal?: string, expected: readonly string[] = ['OK'], quiet = false): Promise<void> {
    this.#quiet = quiet;
    this.#told = new Set();
    const answer = await this.#client?.command(text, literal);
    const state = readState(answer ?? '');
    assert.ok(state && expected.includes(state.name) && state.code !== 'SERVERBUG', `${text}: ${answer}`);
    if (!quiet) this.#largest = this.#largestSoFar;
  }

  #hear(heard: Heard): void {
    const seen = this.#seen;
    if (heard.kind === 'exists') {
      assert.ok(heard.number >= seen.length, `EXISTS shrinks from ${seen.length} to ${heard.number}`);
      while (seen.length < heard.number) seen.push({ uid: undefined, flags: undefined });
    } else if (heard.kind === 'expunge') {
      assert.ok(!this.#quiet, 'EXPUNGE during FETCH, STORE or SEARCH');
      assert.ok(heard.number >= 1 && heard.number <= seen.length, `EXPUNGE ${heard.number} of ${seen.length}`);
      seen.splice(heard.number - 1, 1);
    } else if (heard.kind === 'fetch') {
      const one = seen[heard.seq - 1];
      assert.ok(one, `FETCH ${heard.seq} of ${seen.length}`);
      const { uid, flags, modseq } = heard.told;
      if (uid !== undefined) one.uid ??= uid;
      if (uid !== undefined) assert.equal(uid, one.uid, `the UID of ${heard.seq}`);
      if (flags) one.flags = withoutRecent(flags);
      if (flags) this.#told.add(one);
      this.#largestSoFar = Math.max(this.#largestSoFar, modseq ?? 0);
    } else if (heard.kind === 'state' && heard.code.startsWith('HIGHESTMODSEQ ')) {
      this.#highest = Math.max(this.#highest, Number(heard.code.split(' ')[1]));
    }
  }

  #set({ picks }: Pick): { text: string; meant: readonly Seen[] } | undefined {
    const places = [...new Set(picks.map(pick => pick % this.#seen.length))];
    if (this.#seen.length === 0) return undefined;
    return { text: places.map(place => place + 1).join(','), meant: places.flatMap(place => this.#seen[place] ?? []) };
  }
}

function withoutRecent(flags: Iterable<string>): Set<string> {
  return new Set(Array.from(flags, flag => flag.toLowerCase()).filter(flag => flag !== '\\recent'));
}

async function contents(store: Store, box: string): Promise<Map<number, Flags>> {
  const mailbox = await store.open(box, true);
  const found = new Map<number, Flags>();
  const { signal } = new AbortController();
  for await (const page of mailbox.rows([[1 as Uid, LAST_UID]], ['flags'], signal)) {
    for (const [row, uid] of page.uids.entries()) {
      found.set(uid, withoutRecent(flagNames(page.flags?.[row] ?? 0, page.keywords)));
    }
  }
  await mailbox.close();
  return found;
}

/** What has changed since makes of what was known what is there. */
async function catchesUp(store: Store, { box, uids }: Left, since: number): Promise<void> {
  const there = await contents(store, box);
  const mailbox = await store.open(box, true);
  const caughtUp = new Map(uids);
  let cursor: Cursor = { modseq: since as ModSeq, uid: LAST_UID };
  for (let done = false; !done; ) {
    const page = await mailbox.changes(cursor, 7);
    for (const uid of page.expunged.uids) caughtUp.delete(uid);
    for (const [row, uid] of page.changed.uids.entries()) {
      const flags = withoutRecent(flagNames(page.changed.flags[row] ?? 0, page.keywords));
      if (caughtUp.has(uid)) caughtUp.set(uid, flags);
    }
    done = page.done;
    cursor = page.next;
  }
  await mailbox.close();
  const live = [...there.keys()].filter(uid => uids.has(uid));
  assert.deepEqual([...caughtUp.keys()], live, `UIDs of ${box} after what has changed since ${since}`);
  for (const [uid, flags] of caughtUp) {
    if (flags) assert.deepEqual(flags, there.get(uid), `UID ${uid} of ${box} after what has changed since ${since}`);
  }
}
