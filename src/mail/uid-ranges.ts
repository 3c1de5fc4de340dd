import type { Uid } from './ids.ts';

/** First and last, both included. */
export type UidRange = readonly [first: Uid, last: Uid];

/** Ascending, disjoint, not touching. */
export type UidRanges = readonly UidRange[];

/** @param uids ascending, without repetition */
export function rangesOf(uids: Iterable<number>): UidRanges {
  const ranges: [Uid, Uid][] = [];
  let last: [Uid, Uid] | undefined;
  for (const uid of uids) {
    if (last && uid === last[1] + 1) last[1] = uid as Uid;
    else {
      last = [uid as Uid, uid as Uid];
      ranges.push(last);
    }
  }
  return ranges;
}

/** Any ranges, in any order, as `UidRanges` must be. */
export function normaliseRanges(given: Iterable<UidRange>): UidRanges {
  const sorted = [...given].map(([a, b]) => (a <= b ? ([a, b] as const) : ([b, a] as const)));
  sorted.sort((one, two) => one[0] - two[0]);
  const ranges: [Uid, Uid][] = [];
  let last: [Uid, Uid] | undefined;
  for (const [first, end] of sorted) {
    if (last && first <= last[1] + 1) {
      if (end > last[1]) last[1] = end;
    } else {
      last = [first, end];
      ranges.push(last);
    }
  }
  return ranges;
}

export function rangesHave(ranges: UidRanges, uid: number): boolean {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const [first, last] = ranges[middle] ?? [1, 0];
    if (uid < first) high = middle - 1;
    else if (uid > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** How many uids lie in the ranges, whether or not there are messages of them. */
export function rangesCount(ranges: UidRanges): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** `1:3,7`: a sequence-set of RFC 9051 §9. */
export function renderRanges(ranges: UidRanges): string {
  return ranges.map(([first, last]) => (first === last ? `${first}` : `${first}:${last}`)).join(',');
}
