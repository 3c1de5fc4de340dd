import { describe, expect, it } from 'vitest';
import { DELETED, keywordBit, SEEN } from '../../src/mail/flags.ts';
import type { MailboxId, ModSeq, Uid } from '../../src/mail/ids.ts';
import type { MailboxStatus, Snapshot } from '../../src/mail/mailbox.ts';
import type { ChangePage } from '../../src/mail/rows.ts';
import { rangesOf } from '../../src/mail/uid-ranges.ts';
import { MailboxView } from '../../src/session/mailbox-view.ts';

type Rows = readonly (readonly [uid: number, modseq: number, flags?: number])[];

const STATUS: MailboxStatus = {
  id: 1 as MailboxId,
  at: 100 as ModSeq,
  uidValidity: 7,
  uidNext: 9 as Uid,
  exists: 5,
  unseen: 0,
  deleted: 0,
  size: 0,
  recentFrom: 7 as Uid,
  recent: 1,
};
const SNAPSHOT: Snapshot = { ...STATUS, keywords: ['work'], moreKeywords: true, firstUnseen: undefined };

/** Messages 1 to 5 have the UIDs 2, 3, 5, 6, 8; the last is recent. */
function view(options: { readOnly?: boolean; loaded?: boolean } = {}): MailboxView {
  const made = new MailboxView(SNAPSHOT, options.readOnly ?? false);
  if (options.loaded !== false) made.load(Uint32Array.of(2, 3, 5, 6, 8));
  return made;
}

function page(changed: Rows, expunged: Rows = [], more: Partial<ChangePage> = {}): ChangePage {
  return {
    next: { modseq: 200 as ModSeq, uid: 9 as Uid },
    done: true,
    status: STATUS,
    keywords: ['work'],
    moreKeywords: true,
    changed: {
      uids: Uint32Array.from(changed, ([uid]) => uid),
      modseqs: Float64Array.from(changed, ([, modseq]) => modseq),
      flags: Float64Array.from(changed, ([, , flags = 0]) => flags),
    },
    expunged: {
      uids: Uint32Array.from(expunged, ([uid]) => uid),
      modseqs: Float64Array.from(expunged, ([, modseq]) => modseq),
    },
    ...more,
  };
}

const TOLD = { expunges: 'told', modseq: false } as const;
const WITHHELD = { expunges: 'withheld', modseq: false } as const;
const said = (pieces: readonly string[]): string[] => pieces.join('').split('\r\n').slice(0, -1);

describe('a view of a mailbox', () => {
  it('tells flags with number and UID', () => {
    const lines = view().advance(
      page([
        [3, 101, SEEN],
        [8, 102, DELETED + keywordBit(0)],
        [5, 103],
      ]),
      TOLD,
    );
    expect(said(lines)).toEqual([
      '* 2 FETCH (UID 3 FLAGS (\\Seen))',
      '* 5 FETCH (UID 8 FLAGS (\\Deleted work \\Recent))',
      '* 3 FETCH (UID 5 FLAGS ())',
    ]);
  });

  it('tells modseqs to who knows them', () => {
    const lines = view().advance(page([[3, 101, SEEN]]), { ...TOLD, modseq: true });
    expect(said(lines)).toEqual(['* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (101))']);
  });

  it('tells expunges from the last to the first, flags by the numbers after them', () => {
    const one = view();
    const lines = one.advance(
      page(
        [[8, 103, SEEN]],
        [
          [2, 101],
          [5, 102],
          [3, 101],
        ],
      ),
      TOLD,
    );
    expect(said(lines)).toEqual([
      '* 3 EXPUNGE',
      '* 2 EXPUNGE',
      '* 1 EXPUNGE',
      '* 2 FETCH (UID 8 FLAGS (\\Seen \\Recent))',
    ]);
    expect(one.exists).toBe(2);
    expect(said(one.advance(page([], [[8, 104]]), TOLD))).toEqual(['* 2 EXPUNGE', '* 0 RECENT']);
    expect(one.recentCount).toBe(0);
  });

  it('withholds expunges, and the modseq with them, until it may tell them', () => {
    const one = view();
    expect(
      one.advance(
        page(
          [[8, 103]],
          [
            [3, 101],
            [5, 102],
          ],
        ),
        WITHHELD,
      ),
    ).toHaveLength(1);
    expect(one.settle(200 as ModSeq, 9 as Uid)).toEqual([]);
    expect([one.exists, one.withheld, one.highestModSeq, one.at]).toEqual([5, 2, 100, 200]);
    expect(one.seqOf(3)).toBe(2);
    expect(one.seqOf(8)).toBe(5);
    expect(said(one.advance(page([]), TOLD))).toEqual(['* 3 EXPUNGE', '* 2 EXPUNGE']);
    expect([one.exists, one.withheld, one.highestModSeq]).toEqual([3, 0, 200]);
  });

  it('tells of new messages when the pull is complete, and never of those that came and went', () => {
    const one = view();
    expect(
      one.advance(
        page(
          [
            [12, 101],
            [10, 102],
            [9, 103],
          ],
          [],
        ),
        TOLD,
      ),
    ).toEqual([]);
    expect(
      one.advance(
        page(
          [[10, 105, SEEN]],
          [
            [12, 104],
            [11, 104],
          ],
        ),
        TOLD,
      ),
    ).toEqual([]);
    expect([one.exists, one.uidNext, one.highestModSeq]).toEqual([5, 9, 100]);
    expect(one.arrivingUpTo).toBe(11);
    expect(said(one.settle(200 as ModSeq, 10 as Uid))).toEqual(['* 7 EXISTS', '* 2 RECENT']);
    expect([one.exists, one.uidNext, one.highestModSeq]).toEqual([7, 11, 200]);
    expect([8, 9, 10].map(uid => one.isRecent(uid))).toEqual([true, false, true]);
    expect(one.seqOf(10)).toBe(7);
  });

  it('need not know its messages to tell of new ones', () => {
    const one = view({ loaded: false });
    const arrival = page([[9, 101]], [[10, 102]]);
    expect(one.needsUids(arrival)).toBe(false);
    one.advance(arrival, WITHHELD);
    expect(said(one.settle(200 as ModSeq, 9 as Uid))).toEqual(['* 6 EXISTS', '* 2 RECENT']);
    expect(one.needsUids(page([[9, 201]]))).toBe(true);
    expect(one.needsUids(page([], [[2, 201]]))).toBe(true);
    expect(one.load(Uint32Array.of(2, 3, 5, 6, 8))).toBe(false);
    expect(one.load(Uint32Array.of(2, 3, 5, 6, 8, 9))).toBe(true);
    expect(said(one.advance(page([[9, 201]]), TOLD))).toEqual(['* 6 FETCH (UID 9 FLAGS (\\Recent))']);
  });

  it('is silent about what a silent STORE did itself, and about nothing else', () => {
    const silent = { at: 150, uids: rangesOf([2, 3, 5]), except: rangesOf([5]) };
    const changes = page([
      [2, 150, SEEN],
      [5, 150, SEEN],
      [6, 150, SEEN],
      [3, 151, SEEN],
    ]);
    expect(said(view().advance(changes, { ...WITHHELD, silent }))).toEqual([
      '* 3 FETCH (UID 5 FLAGS (\\Seen))',
      '* 4 FETCH (UID 6 FLAGS (\\Seen))',
      '* 2 FETCH (UID 3 FLAGS (\\Seen))',
    ]);
    expect(said(view().advance(changes, { ...WITHHELD, modseq: true, silent }))[0]).toBe(
      '* 1 FETCH (UID 2 MODSEQ (150))',
    );
  });

  it('tells of new keywords before the flags that have them', () => {
    const keywords = ['work', 'play'];
    const news = page([[2, 101, keywordBit(1)]], [], { keywords });
    expect(said(view().advance(news, TOLD))).toEqual([
      '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work play)',
      '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work play \\*)] Flags are kept.',
      '* 1 FETCH (UID 2 FLAGS (play))',
    ]);
    expect(said(view({ readOnly: true }).advance(news, TOLD))[1]).toMatch(/PERMANENTFLAGS \(\)/);
    const full = page([], [], { moreKeywords: false });
    expect(said(view().advance(full, TOLD))[1]).not.toContain('\\*');
  });

  it('tells much in pieces', () => {
    const count = 20_000;
    const many = new MailboxView({ ...SNAPSHOT, exists: count, uidNext: (count + 1) as Uid }, false);
    many.load(Uint32Array.from({ length: count }, (_, index) => index + 1));
    const all: Rows = Array.from({ length: count }, (_, index) => [index + 1, 101]);
    const pieces = many.advance(page([], all), TOLD);
    expect(pieces.length).toBeGreaterThan(5);
    for (const piece of pieces) expect(piece.length).toBeLessThan(64 * 1024);
    expect(said(pieces).slice(0, 2)).toEqual(['* 20000 EXPUNGE', '* 19999 EXPUNGE']);
    expect(many.exists).toBe(0);
  });
});
