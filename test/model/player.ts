import { strict as assert } from 'node:assert';
import { flagNames } from '../../src/mail/flags.ts';
import { LAST_UID, type ModSeq } from '../../src/mail/ids.ts';
import type { Cursor } from '../../src/mail/message.ts';
import type { Store } from '../../src/mail/store.ts';
import type { MemoryBox } from '../support/memory-mailbox.ts';
import { letterOf } from '../support/memory-message.ts';
import { Belief, type Entry, type Hearing } from './belief.ts';
import { act } from './message-actions.ts';
import { type Heard, readResponse, readState } from './responses.ts';
import { type Action, FLAGS, NAMES } from './steps.ts';
import { flagsOf, liveUids, messageOf, type Truth } from './truth.ts';
import { ConnectionEnded, type WireClient } from './wire-client.ts';

/** The server as players need it. */
export interface Stage {
  /** A new connection, not yet logged in. */
  connect(hear: (line: string) => void): Promise<WireClient>;
  /** Logs in, as any client. */
  readonly login: string;
  /** The account behind the server, without sessions. */
  readonly store: Store;
}

interface Known {
  readonly uids: readonly number[];
  /** Those it has been told of. */
  readonly flags: Map<number, ReadonlySet<string>>;
}

/** What a client keeps of a mailbox it has left, to synchronise with later. */
interface Kept extends Known {
  readonly highest: number;
  readonly largest: number;
}

export type State = Extract<Heard, { kind: 'state' }>;

/** One client: does what it is told, and checks all it hears against what should be. */
export class Player {
  readonly truth: Truth;
  belief: Belief | undefined;
  condstore = false;
  /** What was heard since the last command began. */
  heard: Heard[] = [];
  readonly #stage: Stage;
  readonly #kept = new Map<MemoryBox, Kept>();
  #client: WireClient;
  #hearing: Hearing = { expunges: true, settled: true, asked: false };
  #done: (() => Promise<string>) | undefined;

  private constructor(stage: Stage, truth: Truth, client: WireClient) {
    this.#stage = stage;
    this.truth = truth;
    this.#client = client;
  }

  static async enter(stage: Stage, truth: Truth): Promise<Player> {
    let player: Player | undefined;
    const client = await stage.connect(line => player?.hear(line));
    player = new Player(stage, truth, client);
    assert.equal((await player.say(stage.login)).name, 'OK');
    return player;
  }

  hear(line: string): void {
    const heard = readResponse(line);
    this.heard.push(heard);
    this.belief?.hear(heard, this.#hearing, this.condstore);
    const isOfMailbox = heard.kind === 'exists' || heard.kind === 'expunge' || heard.kind === 'fetch';
    if (isOfMailbox) assert.ok(this.belief, `${line} without a selected mailbox`);
  }

  /** A command in which the mailbox's changes may be told. @throws ConnectionEnded */
  async say(text: string, hearing: Partial<Hearing> = {}, literal?: string): Promise<State> {
    this.#hearing = { expunges: true, settled: true, asked: false, ...hearing };
    this.heard = [];
    const line = await this.#client.command(text, literal);
    const state = readState(line);
    assert.ok(state && !state.code.startsWith('SERVERBUG'), `${text}: ${line}`);
    return state;
  }

  /** A command of the selected mailbox, and that the client knows afterwards what it must. */
  async told(text: string, hearing: Partial<Hearing> = {}): Promise<State> {
    const state = await this.say(text, hearing);
    await this.settle(hearing.expunges === false ? 'withheld' : 'told');
    return state;
  }

  /** After a command: the client believes what is so, and would find the rest from the largest value it was told. */
  async settle(expunges: 'told' | 'withheld'): Promise<void> {
    const { belief } = this;
    if (!belief) return;
    belief.settle(expunges);
    if (belief.highest === belief.checked) return;
    belief.checked = belief.highest;
    await this.#catchesUp(belief.box, knownOf(belief.entries), belief.highest);
  }

  async perform(action: Action): Promise<void> {
    if (this.#done) await this.endIdle();
    if (this.belief?.box.gone) await this.#leaveGone();
    switch (action.kind) {
      case 'noop':
      case 'check':
        if (this.belief || action.kind === 'noop') expectOk(await this.told(action.kind));
        return;
      case 'idle':
        this.#hearing = { expunges: true, settled: false, asked: false };
        this.#done = await this.#client.idle();
        return;
      case 'select':
        return this.#select(NAMES[action.box] ?? 'INBOX', action.readOnly, action.condstore);
      case 'close':
      case 'unselect':
        return this.#unselect(action.kind);
      case 'enable':
        this.condstore = true;
        return expectOk(await this.told('ENABLE CONDSTORE'));
      case 'reconnect':
        return this.#reconnect();
      case 'resync':
        return this.#resync(NAMES[action.box] ?? 'INBOX');
      case 'status':
        return this.#status(NAMES[action.box] ?? 'INBOX', action.modseq);
      case 'create':
      case 'delete': {
        const name = NAMES[action.box] ?? 'INBOX';
        return this.#edit(`${action.kind} ${name}`, () =>
          this.truth.account.edit({ kind: action.kind === 'create' ? 'create' : 'delete', name }),
        );
      }
      case 'rename': {
        const [from = 'a', to = 'b'] = [NAMES[action.box], NAMES[action.to]];
        return this.#edit(`rename ${from} ${to}`, () => this.truth.account.edit({ kind: 'rename', from, to }));
      }
      case 'append':
        return this.#append(
          NAMES[action.to] ?? 'INBOX',
          action.flags.map(flag => FLAGS[flag] ?? ''),
        );
      default:
        if (this.belief) await act(this, this.belief, action);
    }
  }

  /** The end of everything: what the client believes is so. */
  async rest(): Promise<void> {
    await this.perform({ kind: 'noop' });
  }

  async endIdle(): Promise<void> {
    const done = this.#done;
    this.#done = undefined;
    if (!done) return;
    try {
      expectOk(readState(await done()));
      if (!this.belief?.box.gone) await this.settle('told');
    } catch (error) {
      if (!(error instanceof ConnectionEnded && this.belief?.box.gone)) throw error;
      await this.#enterAgain();
    }
  }

  leave(): void {
    this.#client.close();
  }

  async #append(name: string, flags: readonly string[]): Promise<void> {
    const number = this.truth.account.nextLetter();
    const text = `From: model@example.org\r\nSubject: letter ${number}\r\n\r\n${'line\r\n'.repeat(number % 5)}`;
    const date = { time: Date.UTC(2026, 0, 1 + (number % 20)), zone: 0 };
    const refusal = this.truth.attempt(() => {
      const box = this.truth.account.box(name, 'no-target');
      box.arrive([{ letter: letterOf(Buffer.from(text), date, number), flags }], 0);
    });
    const day = `${String(1 + (number % 20)).padStart(2, ' ')}-Jan-2026`;
    const state = await this.say(`APPEND ${name} (${flags.join(' ')}) "${day} 00:00:00 +0000"`, {}, text);
    if (refusal) return assert.equal(`${state.name} ${state.code}`, 'NO TRYCREATE');
    await this.settle('told');
    expectOk(state);
    const box = this.truth.account.box(name);
    const [, validity, uid] = /^APPENDUID (\d+) (\d+)$/.exec(state.code) ?? assert.fail(state.text);
    this.truth.sawUidValidity(box, Number(validity));
    assert.equal(Number(uid), box.uidNext - 1);
  }

  async #edit(text: string, work: () => void): Promise<void> {
    const refusal = this.truth.attempt(work);
    try {
      const state = await this.say(text);
      assert.equal(state.name, refusal ? 'NO' : 'OK', `${text}: ${state.text}, expected ${refusal ?? 'success'}`);
      if (this.belief?.box.gone) await this.#leaveGone();
      await this.settle('told');
    } catch (error) {
      if (!(error instanceof ConnectionEnded && this.belief?.box.gone)) throw error;
      await this.#enterAgain();
    }
  }

  async #select(name: string, readOnly: boolean, condstore: boolean): Promise<void> {
    this.#keep();
    const box = this.truth.account.boxes.get(name);
    // What is heard belongs to the new mailbox from the first response on.
    this.belief = box ? new Belief(box, readOnly, this.truth) : undefined;
    if (box && condstore) this.condstore = true;
    const state = await this.say(`${readOnly ? 'EXAMINE' : 'SELECT'} ${name}${condstore ? ' (CONDSTORE)' : ''}`);
    if (!box) return assert.equal(state.name, 'NO');
    expectOk(state);
    assert.equal(state.code, readOnly ? 'READ-ONLY' : 'READ-WRITE');
    await this.settle('told');
    const code = (name: string) =>
      Number(
        this.heard
          .flatMap(heard =>
            heard.kind === 'state' && heard.code.startsWith(`${name} `) ? heard.code.split(' ')[1] : [],
          )
          .at(-1),
      );
    this.truth.sawUidValidity(box, code('UIDVALIDITY'));
    assert.equal(code('UIDNEXT'), box.uidNext);
    this.truth.clock(box).sawMailbox(code('HIGHESTMODSEQ'), box.at);
    const unseen = box.messages.findIndex(({ flags }) => !flags.has('\\Seen'));
    if (!Number.isNaN(code('UNSEEN'))) assert.equal(code('UNSEEN'), unseen + 1);
  }

  async #unselect(kind: 'close' | 'unselect'): Promise<void> {
    const { belief } = this;
    if (!belief) return;
    if (kind === 'close' && !belief.readOnly) {
      const { box } = belief;
      box.remove(box.messages.filter(({ flags }) => flags.has('\\Deleted')));
    }
    this.#keep();
    this.belief = undefined;
    expectOk(await this.say(kind));
  }

  async #status(name: string, modseq: boolean): Promise<void> {
    const box = this.truth.account.boxes.get(name);
    if (box && modseq) this.condstore = true;
    const state = await this.say(
      `STATUS ${name} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN${modseq ? ' HIGHESTMODSEQ' : ''})`,
    );
    if (!box) assert.equal(state.name, 'NO');
    else {
      expectOk(state);
      const { values } = this.heard.find(heard => heard.kind === 'status') ?? assert.fail('no STATUS');
      const { exists, uidNext, unseen } = box.status();
      const items = ['MESSAGES', 'UIDNEXT', 'UNSEEN'];
      assert.deepEqual(
        items.map(item => values.get(item)),
        [exists, uidNext, unseen],
      );
      this.truth.sawUidValidity(box, values.get('UIDVALIDITY') ?? 0);
      const highest = values.get('HIGHESTMODSEQ') ?? 0;
      // Of the mailbox it has selected a client may be told less: what it has not been told of yet comes after it.
      if (this.belief?.box === box) this.belief.highest = Math.max(this.belief.highest, highest);
      else if (modseq) this.truth.clock(box).sawMailbox(highest, box.at);
    }
    await this.settle('told');
  }

  async #reconnect(): Promise<void> {
    this.#keep();
    this.#client.close();
    await this.#enterAgain();
  }

  /** The mailbox was deleted: the server may say so as it likes, but must say something. */
  async #leaveGone(): Promise<void> {
    try {
      await this.say('NOOP');
    } catch (error) {
      if (!(error instanceof ConnectionEnded)) throw error;
    }
    this.#client.close();
    await this.#enterAgain();
  }

  async #enterAgain(): Promise<void> {
    this.belief = undefined;
    this.condstore = false;
    this.#client = await this.#stage.connect(line => this.hear(line));
    expectOk(await this.say(this.#stage.login));
  }

  #keep(): void {
    if (!this.belief) return;
    const { box, entries, highest, largest } = this.belief;
    const flags = entries.flatMap(({ uid, flags }) => (uid && flags ? [[uid, flags] as const] : []));
    this.#kept.set(box, { flags: new Map(flags), uids: entries.flatMap(({ uid }) => uid ?? []), highest, largest });
  }

  /** Comes back to a mailbox with what it kept, and asks only for what has changed since (RFC 7162 §3.1.4.1). */
  async #resync(name: string): Promise<void> {
    const box = this.truth.account.boxes.get(name);
    await this.#select(name, true, true);
    const kept = box && this.#kept.get(box);
    if (!box || !kept) return;
    if (kept.highest > 0) await this.#catchesUp(box, kept, kept.highest);
    if (kept.largest > 0) await this.#catchesUp(box, kept, kept.largest);
    const since = Math.max(kept.highest, kept.largest);
    if (since === 0 || liveUids(box).length === 0) return;
    expectOk(await this.told(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${since})`, { asked: true }));
    for (const heard of this.heard) {
      if (heard.kind === 'fetch' && heard.told.uid && heard.told.flags) {
        kept.flags.set(heard.told.uid, told(heard.told.flags));
      }
    }
    for (const [uid, flags] of kept.flags) {
      const message = messageOf(box, uid);
      if (message) assert.deepEqual(flags, flagsOf(message), `UID ${uid} after CHANGEDSINCE ${since}`);
    }
  }

  /** As QRESYNC will: what the store says has changed since `modseq` makes of what the client knows what is there. */
  async #catchesUp(box: MemoryBox, { uids, flags }: Known, modseq: number): Promise<void> {
    const name = [...this.truth.account.boxes].find(([, other]) => other === box)?.[0];
    if (name === undefined) return;
    const mailbox = await this.#stage.store.open(name, true);
    const caughtUp = new Map(uids.map(uid => [uid, flags.get(uid)]));
    let cursor: Cursor = { modseq: modseq as ModSeq, uid: LAST_UID };
    for (let done = false; !done; ) {
      const page = await mailbox.changes(cursor, 3);
      for (const uid of page.expunged.uids) caughtUp.delete(uid);
      for (const [row, uid] of page.changed.uids.entries()) {
        if (caughtUp.has(uid)) caughtUp.set(uid, told(flagNames(page.changed.flags[row] ?? 0, page.keywords)));
      }
      done = page.done;
      cursor = page.next;
    }
    await mailbox.close();
    const live = liveUids(box).filter(uid => uids.includes(uid));
    assert.deepEqual([...caughtUp.keys()], live, `UIDs after what has changed since ${modseq}`);
    for (const [uid, known] of caughtUp) {
      const message = messageOf(box, uid);
      if (known && message)
        assert.deepEqual(known, flagsOf(message), `UID ${uid} after what has changed since ${modseq}`);
    }
  }
}

function knownOf(entries: readonly Entry[]): Known {
  const flags = entries.flatMap(({ uid, flags }) => (uid && flags ? [[uid, flags] as const] : []));
  return { uids: entries.flatMap(({ uid }) => uid ?? []), flags: new Map(flags) };
}

/** Flags as a client keeps them: \\Recent is not among them. */
function told(flags: Iterable<string>): Set<string> {
  return new Set(Array.from(flags, flag => flag.toLowerCase()).filter(flag => flag !== '\\recent'));
}

export function expectOk(state: State | undefined): void {
  assert.equal(state?.name, 'OK', state?.text ?? 'no answer');
}
