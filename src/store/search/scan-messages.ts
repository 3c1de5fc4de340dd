import { decodeLayout } from '../../mime/layout.ts';
import { BlobError } from '../blobs/blobs.ts';
import { BlobOctets } from './blob-octets.ts';
import { matchMessage } from './match-message.ts';
import { Residual } from './residual.ts';
import { type ScanAnswer, type ScanBatch, unpacked } from './scan-batch.ts';

/** Why a batch was left in the middle. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/**
 * Answers a batch. A message that cannot be read matches nothing, and is told of; what is wrong with the device and not with the message
 * ends it.
 * @throws BlobError `busy`, `failed`, `forbidden`; Abandoned
 */
export async function scanMessages(batch: ScanBatch): Promise<ScanAnswer> {
  const residuals = batch.residuals.map(query => new Residual(query));
  const matches = new Uint8Array(batch.blobs.length);
  const unreadable: { item: number; reason: string }[] = [];
  const goOn = () => {
    if (Atomics.load(batch.abandoned, 0) !== 0) throw new Abandoned('nobody waits for this');
  };
  let item = -1;
  for (const { layout, header } of unpacked(batch)) {
    item += 1;
    goOn();
    const residual = residuals[batch.asked[item] ?? 0];
    const blob = batch.blobs[item];
    if (!residual || blob === undefined) throw new TypeError('unreachable: an item without a question');
    const octets = new BlobOctets(batch.directory, blob, goOn);
    try {
      if (await matchMessage(residual, { header, layout: decodeLayout(layout) }, octets)) matches[item] = 1;
    } catch (error) {
      if (!isOfMessage(error)) throw error;
      unreadable.push({ item, reason: error.message });
    } finally {
      await octets.close();
    }
  }
  return { matches, unreadable };
}

/** A layout that cannot be decoded is a RangeError. */
function isOfMessage(error: unknown): error is Error {
  if (error instanceof RangeError) return true;
  return error instanceof BlobError && ['missing', 'damaged', 'newer'].includes(error.kind);
}
