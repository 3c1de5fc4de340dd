import { strict as assert } from 'node:assert';
import type { ModSeq } from '../../src/mail/ids.ts';
import { MailError, type MailErrorKind } from '../../src/mail/mail-error.ts';
import type { MemoryBox } from '../support/memory-mailbox.ts';
import type { MemoryMessage } from '../support/memory-message.ts';
import { MemoryAccount } from '../support/memory-store.ts';

/** A value that the server told as a mod-sequence, and the model's for the same moment. */
export interface Moment {
  readonly told: number;
  readonly meant: ModSeq;
}

/** What should be, on plain arrays; and how the server's own numbers relate to it. */
export class Truth {
  readonly account = new MemoryAccount({ folders: { a: undefined, b: undefined } });
  readonly #clocks = new WeakMap<MemoryBox, Clock>();
  /** UIDs that some session was told as \Recent, by mailbox. */
  readonly #recent = new WeakMap<MemoryBox, Map<number, object>>();
  readonly #validities = new Map<number, MemoryBox>();

  clock(box: MemoryBox): Clock {
    const clock = this.#clocks.get(box) ?? new Clock();
    this.#clocks.set(box, clock);
    return clock;
  }

  /** UIDVALIDITY belongs to one mailbox forever. */
  sawUidValidity(box: MemoryBox, told: number): void {
    const other = this.#validities.get(told);
    assert.ok(other === undefined || other === box, `UIDVALIDITY ${told} was another mailbox's`);
    this.#validities.set(told, box);
    const clock = this.clock(box);
    clock.uidValidity ??= told;
    assert.equal(told, clock.uidValidity, 'UIDVALIDITY has changed');
  }

  /** RFC 3501 §2.3.2: a message is \Recent to one session only. */
  sawRecent(box: MemoryBox, uid: number, selection: object): void {
    const seen = this.#recent.get(box) ?? new Map<number, object>();
    this.#recent.set(box, seen);
    const first = seen.get(uid) ?? selection;
    assert.ok(first === selection, `UID ${uid} is \\Recent to two sessions`);
    seen.set(uid, first);
  }

  /** Does something to the model; what kind of refusal is expected, or undefined. */
  attempt(work: () => void): MailErrorKind | undefined {
    try {
      work();
      return undefined;
    } catch (error) {
      if (error instanceof MailError) return error.kind;
      throw error;
    }
  }
}

/** Relates the mod-sequences of one mailbox that the server tells to the model's: as the order of changes is the same, so is theirs. */
export class Clock {
  uidValidity: number | undefined;
  /** Moments that clients know. */
  readonly moments: Moment[] = [];
  /** Of messages, ascending. */
  readonly #rows: Moment[] = [];

  /** A message was told to have changed last at `told`. */
  sawRow(told: number, message: MemoryMessage): void {
    const meant = message.modseq;
    let at = this.#rows.length;
    while (at > 0 && (this.#rows[at - 1]?.told ?? 0) >= told) at -= 1;
    const same = this.#rows[at];
    if (same?.told === told) {
      assert.equal(meant, same.meant, `MODSEQ ${told} of UID ${message.uid} was told of another change`);
      return;
    }
    const before = this.#rows[at - 1];
    assert.ok(before === undefined || before.meant < meant, `MODSEQ ${told} of UID ${message.uid} is too high`);
    assert.ok(same === undefined || same.meant > meant, `MODSEQ ${told} of UID ${message.uid} is too low`);
    this.#rows.splice(at, 0, { told, meant });
    this.moments.push({ told, meant });
  }

  /** The mailbox as a whole was told to be at `told`. */
  sawMailbox(told: number, meant: ModSeq): void {
    for (const row of this.#rows) {
      if (row.meant <= meant) assert.ok(row.told <= told, `HIGHESTMODSEQ ${told} is below MODSEQ ${row.told}`);
      else assert.ok(row.told > told, `HIGHESTMODSEQ ${told} is not below the later MODSEQ ${row.told}`);
    }
    this.moments.push({ told, meant });
  }
}

export function liveUids(box: MemoryBox): number[] {
  return box.messages.map(({ uid }) => uid);
}

export function messageOf(box: MemoryBox, uid: number | undefined): MemoryMessage | undefined {
  return box.messages.find(message => message.uid === uid);
}

/** As a client compares them: lower case. */
export function flagsOf({ flags }: MemoryMessage): Set<string> {
  return new Set([...flags].map(flag => flag.toLowerCase()));
}
