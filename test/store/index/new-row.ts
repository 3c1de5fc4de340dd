import { createHash } from 'node:crypto';
import { accountId } from '../../../src/auth/account-id.ts';
import type { AccountId, ModSeq, Uid } from '../../../src/mail/ids.ts';
import { LAST_UID } from '../../../src/mail/ids.ts';
import type { UidRanges } from '../../../src/mail/uid-ranges.ts';
import { type BlobId, newBlobId } from '../../../src/store/blobs/blob-id.ts';
import type { NewRow } from '../../../src/store/index/index-port.ts';

let last = 0;

/** An id that no other call gives. */
export function blob(): BlobId {
  last += 1;
  return newBlobId(1_700_000_000_000 + last, octets => new Uint8Array(octets).fill(7));
}

/** A row that says of itself which message it is of: by its subject, its size and its email id. */
export function newRow(subject: string, more: Partial<NewRow> = {}): NewRow {
  const octets = (text: string) => new TextEncoder().encode(text);
  return {
    blob: blob(),
    sha256: createHash('sha256').update(subject).digest(),
    size: 1000 + subject.length,
    header: octets(`Subject: ${subject}\r\n\r\n`),
    envelope: octets(`(envelope ${subject})`),
    body: octets(`(body ${subject})`),
    structure: octets(`(structure ${subject})`),
    layout: octets(`layout ${subject}`),
    sentDay: 19_000,
    flags: [],
    time: 1_700_000_000_000,
    zone: 60,
    saveTime: 1_700_000_001_000,
    emailId: `M${subject}`,
    ...more,
  };
}

export const account = (name: string): AccountId => accountId('test', name);
export const uid = (value: number): Uid => value as Uid;
export const modSeq = (value: number): ModSeq => value as ModSeq;
export const range = (first: number, end = first): UidRanges => [[uid(first), uid(end)]];
export const ranges = (...all: readonly (readonly [number, number])[]): UidRanges =>
  all.map(([first, end]) => [uid(first), uid(end)]);
export const everything: UidRanges = [[uid(1), LAST_UID]];
/** The position after all of a modseq. */
export const past = (at: number) => ({ modseq: modSeq(at), uid: LAST_UID });
/** Later than every change. */
export const never = modSeq(Number.MAX_SAFE_INTEGER);
