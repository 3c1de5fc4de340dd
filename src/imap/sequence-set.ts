import { LAST_UID } from '../mail/ids.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';

/** `*` is the highest number there is (RFC 9051 §9, seq-number). */
export type SequenceNumber = number | '*';

/** As the client wrote it: in any order, ranges either way round. */
export type SequenceSet = readonly (readonly [SequenceNumber, SequenceNumber])[];

const ITEM = /^(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?$/;

/** sequence-set (RFC 9051 §9), without `$`. @throws Malformed */
export function scanSequenceSet(scanner: Scanner): SequenceSet {
  return parseSequenceSet(scanner.atom('a sequence set'));
}

/** @throws Malformed */
export function parseSequenceSet(text: string): SequenceSet {
  return text.split(',').map(item => {
    const match = ITEM.exec(item);
    if (!match) throw new Malformed('a sequence set was expected');
    const first = sequenceNumber(match[1] ?? '*');
    return [first, match[2] === undefined ? first : sequenceNumber(match[2])] as const;
  });
}

function sequenceNumber(text: string): SequenceNumber {
  if (text === '*') return text;
  const number = Number(text);
  if (number > LAST_UID) throw new Malformed('a number of a sequence set is too large');
  return number;
}
