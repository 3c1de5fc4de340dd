import fc from '../support/fast-check.ts';

/** Names that are played with. INBOX, `a` and `b` are there from the start. */
export const NAMES = ['INBOX', 'a', 'b', 'c'] as const;
export const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', '\\Answered', '$Label', 'Note'] as const;

/** Some messages of those the client knows; numbers are taken modulo how many there are. */
export interface Pick {
  readonly picks: readonly number[];
  /** `single`: each by itself; `range`: from the first to the last; `open`: from the first to `*`. */
  readonly form: 'single' | 'range' | 'open';
}

export type SearchKey =
  | { readonly key: 'flag'; readonly flag: number }
  | { readonly key: 'unflag'; readonly flag: number }
  | { readonly key: 'set'; readonly set: Pick }
  | { readonly key: 'uid'; readonly set: Pick }
  | { readonly key: 'all' }
  /** Which of the values it was told. */
  | { readonly key: 'modseq'; readonly since: number };

/** What a session does next: data, with numbers that mean something in any state, so that any part of a sequence is one. */
export type Action =
  | { readonly kind: 'append'; readonly to: number; readonly flags: readonly number[] }
  | {
      readonly kind: 'store';
      readonly byUid: boolean;
      readonly set: Pick;
      readonly change: 'add' | 'remove' | 'replace';
      readonly flags: readonly number[];
      readonly silent: boolean;
      readonly unchangedSince: number | undefined;
    }
  | { readonly kind: 'expunge'; readonly uids: Pick | undefined }
  | { readonly kind: 'copy'; readonly byUid: boolean; readonly set: Pick; readonly to: number; readonly move: boolean }
  | {
      readonly kind: 'fetch';
      readonly byUid: boolean;
      readonly set: Pick;
      readonly items: 'FLAGS' | 'UID FLAGS' | 'UID FLAGS MODSEQ' | 'BODY[]' | 'BODY.PEEK[]';
      readonly changedSince: number | undefined;
    }
  | { readonly kind: 'search'; readonly byUid: boolean; readonly not: boolean; readonly keys: readonly SearchKey[] }
  | { readonly kind: 'select'; readonly box: number; readonly readOnly: boolean; readonly condstore: boolean }
  | { readonly kind: 'noop' | 'check' | 'idle' | 'close' | 'unselect' | 'enable' | 'reconnect' }
  | { readonly kind: 'create' | 'delete' | 'resync'; readonly box: number }
  | { readonly kind: 'status'; readonly box: number; readonly modseq: boolean }
  | { readonly kind: 'rename'; readonly box: number; readonly to: number };

export interface Step {
  readonly who: number;
  readonly action: Action;
}

const number = fc.nat({ max: 1000 });
const box = fc.nat({ max: NAMES.length - 1 });
/** Mostly the same, so that sessions meet. */
const meetingBox = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: box });
const flags = fc.uniqueArray(fc.nat({ max: FLAGS.length - 1 }), { maxLength: 3 });
const seldom = fc.nat({ max: 4 }).map(drawn => drawn === 4);
const set: fc.Arbitrary<Pick> = fc.record({
  picks: fc.array(number, { minLength: 1, maxLength: 3 }),
  form: fc.constantFrom('single', 'range', 'open'),
});
const maybe = (of: fc.Arbitrary<number>) => fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, of);

const key: fc.Arbitrary<SearchKey> = fc.oneof(
  fc.record({ key: fc.constant('flag' as const), flag: fc.nat({ max: FLAGS.length - 1 }) }),
  fc.record({ key: fc.constant('unflag' as const), flag: fc.nat({ max: FLAGS.length - 1 }) }),
  fc.record({ key: fc.constant('set' as const), set }),
  fc.record({ key: fc.constant('uid' as const), set }),
  fc.record({ key: fc.constant('all' as const) }),
  fc.record({ key: fc.constant('modseq' as const), since: number }),
);

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ kind: fc.constant('append' as const), to: meetingBox, flags }) },
  {
    weight: 16,
    arbitrary: fc.record({
      kind: fc.constant('store' as const),
      byUid: fc.boolean(),
      set,
      change: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
      flags,
      silent: fc.boolean(),
      unchangedSince: maybe(number),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({ kind: fc.constant('expunge' as const), uids: fc.option(set, { nil: undefined }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('copy' as const),
      byUid: fc.boolean(),
      set,
      to: meetingBox,
      move: fc.boolean(),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant('fetch' as const),
      byUid: fc.boolean(),
      set,
      items: fc.constantFrom(
        'FLAGS' as const,
        'UID FLAGS' as const,
        'UID FLAGS MODSEQ' as const,
        'BODY[]' as const,
        'BODY.PEEK[]' as const,
      ),
      changedSince: maybe(number),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('search' as const),
      byUid: fc.boolean(),
      not: fc.boolean(),
      keys: fc.array(key, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('select' as const),
      box: meetingBox,
      readOnly: seldom,
      condstore: seldom,
    }),
  },
  { weight: 10, arbitrary: fc.record({ kind: fc.constantFrom('noop' as const, 'noop' as const, 'check' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('idle' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('close' as const, 'unselect' as const, 'enable' as const, 'reconnect' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('status' as const), box: meetingBox, modseq: seldom }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resync' as const), box: meetingBox }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('create' as const, 'delete' as const), box }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rename' as const), box, to: box }) },
);

const quiet: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('fetch' as const),
    byUid: fc.constant(false),
    set,
    items: fc.constantFrom('FLAGS' as const, 'UID FLAGS MODSEQ' as const),
    changedSince: fc.constant(undefined),
  }),
  fc.record({
    kind: fc.constant('store' as const),
    byUid: fc.constant(false),
    set,
    change: fc.constantFrom('add' as const, 'remove' as const),
    flags,
    silent: fc.boolean(),
    unchangedSince: maybe(number),
  }),
);

/**
 * What chance seldom brings about: a session that knows nothing of mod-sequences is busy with commands in which it may not be told
 * of an expunge, while others expunge; then it learns of mod-sequences, leaves, and comes back.
 */
function heldBack(sessions: number): fc.Arbitrary<Step[]> {
  const who = fc.nat({ max: sessions - 1 });
  return fc
    .record({
      who,
      other: who,
      box: meetingBox,
      set,
      busy: fc.array(quiet, { minLength: 2, maxLength: 5 }),
      leaves: fc.boolean(),
    })
    .map(({ who, other, box, set, busy, leaves }) => {
      const select: Action = { kind: 'select', box, readOnly: false, condstore: false };
      const mine = (action: Action): Step => ({ who, action });
      const theirs = (action: Action): Step => ({ who: other, action });
      return [
        mine({ kind: 'reconnect' }),
        theirs({ kind: 'append', to: box, flags: [1] }),
        theirs({ kind: 'append', to: box, flags: [] }),
        mine(select),
        theirs(select),
        theirs({ kind: 'expunge', uids: undefined }),
        ...busy.map(mine),
        theirs({
          kind: 'store',
          byUid: true,
          set,
          change: 'add',
          flags: [2],
          silent: false,
          unchangedSince: undefined,
        }),
        ...busy.map(mine),
        ...(leaves ? [mine({ kind: 'reconnect' }), mine({ kind: 'resync', box })] : []),
      ];
    });
}

/** Two who know all flags of a mailbox change the same messages in turns. */
function crossing(sessions: number): fc.Arbitrary<Step[]> {
  const who = fc.nat({ max: sessions - 1 });
  const stores = fc.array(fc.tuple(fc.boolean(), quiet), { minLength: 2, maxLength: 8 });
  return fc.record({ who, other: who, box: meetingBox, stores }).map(({ who, other, box, stores }) => {
    const both = (action: Action): Step[] => [
      { who, action },
      { who: other, action },
    ];
    const all: Pick = { picks: [0], form: 'open' };
    return [
      ...both({ kind: 'append', to: box, flags: [] }),
      ...both({ kind: 'select', box, readOnly: false, condstore: false }),
      ...both({ kind: 'fetch', byUid: false, set: all, items: 'FLAGS', changedSince: undefined }),
      ...stores.map(([first, action]) => ({ who: first ? who : other, action })),
    ];
  });
}

/** Sequences of about `most` steps at most, of so many sessions. */
export function sequences(sessions: number, most: number): fc.Arbitrary<Step[]> {
  const step = fc.record({ who: fc.nat({ max: sessions - 1 }), action });
  const piece = fc.oneof(
    { weight: 60, arbitrary: step.map(only => [only]) },
    { weight: 1, arbitrary: heldBack(sessions) },
    { weight: 1, arbitrary: crossing(sessions) },
  );
  return fc.array(piece, { minLength: 1, maxLength: most, size: 'max' }).map(pieces => pieces.flat());
}
