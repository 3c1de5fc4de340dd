import type { SequenceNumber, SequenceSet } from '../imap/sequence-set.ts';
import { LAST_UID, type Uid } from '../mail/ids.ts';
import { normaliseRanges, type UidRange, type UidRanges } from '../mail/uid-ranges.ts';
import { Malformed } from '../wire/malformed.ts';
import type { UidList } from './uid-list.ts';

/**
 * The messages that sequence numbers name. `*` is the last message. In an empty mailbox a set with `*` names nothing: clients ask
 * for `1:*` without having looked.
 * @throws Malformed for a number beyond the last message, as RFC 9051 §6.4.5 asks
 */
export function resolveSequence(set: SequenceSet, uids: UidList): UidRanges {
  const { length } = uids;
  const places: UidRange[] = [];
  for (const [one, other] of set) {
    if (length === 0 && (one === '*' || other === '*')) continue;
    places.push([placed(one, length), placed(other, length)]);
  }
  return uidsAt(normaliseRanges(places), uids);
}

/** The messages that UIDs name. `*` is the last; a range with it has the last message in it, wherever it begins (RFC 9051 §9). */
export function resolveUids(set: SequenceSet, uids: UidList): UidRanges {
  if (uids.length === 0) return [];
  const last = uids.at(uids.length - 1);
  const wanted = normaliseRanges(
    set.map(([one, other]): UidRange => [uid(one === '*' ? last : one), uid(other === '*' ? last : other)]),
  );
  const places: UidRange[] = [];
  for (const [first, end] of wanted) {
    const from = uids.floor(first);
    const to = end >= LAST_UID ? uids.length : uids.floor(end + 1);
    // Places from 1, since they pass as UIDs here.
    if (to > from) places.push([uid(from + 1), uid(to)]);
  }
  return uidsAt(normaliseRanges(places), uids);
}

/** A place from 1 in the list. @throws Malformed */
function placed(number: SequenceNumber, length: number): Uid {
  if (number === '*') return uid(length);
  if (number > length) throw new Malformed('there is no message of this number');
  return uid(number);
}

/** @param places ranges of sequence numbers, ascending and disjoint */
function uidsAt(places: UidRanges, uids: UidList): UidRanges {
  const values = uids.values();
  const ranges: UidRange[] = [];
  let first = 0;
  let last = -1;
  for (const [from, to] of places) {
    for (let place = from - 1; place < to; place += 1) {
      const value = values[place] ?? 0;
      if (value !== last + 1) {
        if (last >= 0) ranges.push([uid(first), uid(last)]);
        first = value;
      }
      last = value;
    }
  }
  if (last >= 0) ranges.push([uid(first), uid(last)]);
  return ranges;
}

const uid = (number: number): Uid => number as Uid;
