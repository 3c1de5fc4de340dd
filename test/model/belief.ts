import { strict as assert } from 'node:assert';
import type { MemoryBox } from '../support/memory-mailbox.ts';
import type { FetchTold, Heard } from './responses.ts';
import { flagsOf, liveUids, messageOf, type Truth } from './truth.ts';

/** What a client believes of one message. */
export interface Entry {
  uid: number | undefined;
  /** Lower case, without \Recent; undefined: it has not been told. */
  flags: ReadonlySet<string> | undefined;
  modseq: number;
}

/** What is under way while responses are heard. */
export interface Hearing {
  /** Whether EXPUNGE may come: not during FETCH, STORE and SEARCH (RFC 3501 §7.4.1). */
  readonly expunges: boolean;
  /** The model is as the server is: false in IDLE, where the model may be ahead. */
  readonly settled: boolean;
  /** The client asked for this itself: RFC 7162 §3.1 asks for MODSEQ only in what it did not. */
  readonly asked: boolean;
}

/** A selected mailbox as a client sees it, by the rules of RFC 3501 §7. Checks every response as it comes. */
export class Belief {
  readonly box: MemoryBox;
  readonly readOnly: boolean;
  entries: Entry[] = [];
  /** Largest value told as HIGHESTMODSEQ. */
  highest = 0;
  /** The one of them that was put to the test last. */
  checked = 0;
  /** Largest MODSEQ told of a message, as of the last moment when nothing was withheld. */
  largest = 0;
  #largestSoFar = 0;
  /** Told in the response to SELECT, until all flags were told. */
  recentTold: number | undefined;
  readonly #truth: Truth;
  #top = 0;

  constructor(box: MemoryBox, readOnly: boolean, truth: Truth) {
    this.box = box;
    this.readOnly = readOnly;
    this.#truth = truth;
  }

  hear(heard: Heard, hearing: Hearing, condstore: boolean): void {
    if (heard.kind === 'exists') this.#exists(heard.number, hearing);
    else if (heard.kind === 'expunge') this.#expunge(heard.number, hearing);
    else if (heard.kind === 'fetch') this.#fetch(this.#at(heard.seq), heard.told, hearing, condstore);
    else if (heard.kind === 'recent') {
      assert.ok(heard.number <= this.entries.length, 'more RECENT than EXISTS');
      this.recentTold = heard.number;
    } else if (heard.kind === 'state') {
      const highest = /^HIGHESTMODSEQ (\d+)$/.exec(heard.code);
      if (highest) this.highest = Math.max(this.highest, Number(highest[1]));
    }
  }

  /** By position, from 1. */
  seqOf(entry: Entry): number {
    return this.entries.indexOf(entry) + 1;
  }

  /** Those that are still there. */
  live(): Entry[] {
    return this.entries.filter(({ uid }) => messageOf(this.box, uid));
  }

  /** After a command: what the client believes is so, except for expunges it may not have been told of. */
  settle(expunges: 'told' | 'withheld'): void {
    const live = liveUids(this.box);
    const kept = expunges === 'told' ? this.entries : this.entries.filter(({ uid }) => !uid || live.includes(uid));
    assert.equal(kept.length, live.length, `${kept.length} messages are believed to be there, ${live.length} are`);
    for (const [index, entry] of kept.entries()) {
      entry.uid ??= live[index];
      assert.equal(entry.uid, live[index], `message ${index + 1} is believed to be UID ${entry.uid}`);
      const message = messageOf(this.box, entry.uid);
      if (entry.flags && message) assert.deepEqual(entry.flags, flagsOf(message), `flags of UID ${entry.uid}`);
    }
    this.#top = Math.max(this.#top, this.box.uidNext - 1);
    if (expunges === 'told') this.largest = Math.max(this.largest, this.#largestSoFar);
  }

  #exists(count: number, { settled }: Hearing): void {
    assert.ok(count >= this.entries.length, `EXISTS shrinks from ${this.entries.length} to ${count}`);
    const added = count - this.entries.length;
    const arrived = liveUids(this.box).filter(uid => uid > this.#top);
    if (settled) assert.equal(added, arrived.length, 'EXISTS does not count what has arrived');
    for (let index = 0; index < added; index += 1) {
      this.entries.push({ uid: settled ? arrived[index] : undefined, flags: undefined, modseq: 0 });
    }
    if (settled) this.#top = Math.max(this.#top, this.box.uidNext - 1);
  }

  #expunge(seq: number, { expunges }: Hearing): void {
    assert.ok(expunges, 'EXPUNGE during FETCH, STORE or SEARCH');
    const entry = this.#at(seq);
    assert.ok(!messageOf(this.box, entry.uid), `EXPUNGE ${seq} of UID ${entry.uid}, which is there`);
    this.entries.splice(seq - 1, 1);
  }

  #fetch(entry: Entry, told: FetchTold, { settled, asked }: Hearing, condstore: boolean): void {
    if (told.uid !== undefined) {
      entry.uid ??= told.uid;
      assert.equal(told.uid, entry.uid, 'the UID of a sequence number');
    }
    const message = messageOf(this.box, entry.uid);
    if (settled) assert.ok(message, `FETCH of UID ${entry.uid}, which is gone`);
    if (told.flags) this.#flags(entry, told.flags, settled);
    if (told.modseq !== undefined) {
      assert.ok(told.modseq >= entry.modseq, `MODSEQ of UID ${entry.uid} falls from ${entry.modseq} to ${told.modseq}`);
      if (settled && message) this.#truth.clock(this.box).sawRow(told.modseq, message);
      entry.modseq = told.modseq;
      this.#largestSoFar = Math.max(this.#largestSoFar, told.modseq);
    } else if (condstore && !asked) assert.fail(`FETCH of UID ${entry.uid} without MODSEQ though CONDSTORE is on`);
    if (told.octets !== undefined && message) {
      assert.equal(told.octets, message.letter.octets.toString('latin1'), `octets of UID ${entry.uid}`);
    }
  }

  #flags(entry: Entry, flags: ReadonlySet<string>, settled: boolean): void {
    const message = messageOf(this.box, entry.uid);
    if (flags.has('\\recent') && !this.readOnly && entry.uid) this.#truth.sawRecent(this.box, entry.uid, this);
    entry.flags = new Set([...flags].filter(flag => flag !== '\\recent'));
    if (settled && message) assert.deepEqual(entry.flags, flagsOf(message), `flags told of UID ${entry.uid}`);
  }

  #at(seq: number): Entry {
    const entry = this.entries[seq - 1];
    assert.ok(entry, `sequence number ${seq} of ${this.entries.length}`);
    return entry;
  }
}
