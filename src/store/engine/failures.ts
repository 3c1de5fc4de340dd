import { MailError, type MailErrorKind } from '../../mail/mail-error.ts';
import { BlobError, type BlobErrorKind } from '../blobs/blobs.ts';

/** What a failure of the blobs means for a client. Whatever is unreadable although the index knows it is damaged. */
const KINDS: Readonly<Record<BlobErrorKind, MailErrorKind>> = {
  missing: 'damaged',
  damaged: 'damaged',
  newer: 'unavailable',
  full: 'no-space',
  forbidden: 'unavailable',
  busy: 'unavailable',
  closed: 'unavailable',
  failed: 'unavailable',
  // Only when the caller announced it wrongly; the engine looks at the size itself.
  size: 'damaged',
};

/** Errors of the blobs as errors of mail; all others as they are. */
export function mailError(error: unknown): unknown {
  return error instanceof BlobError ? new MailError(KINDS[error.kind], error.message, { cause: error }) : error;
}

/** Runs work on blobs. @throws MailError; what else the work throws */
export async function onBlobs<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw mailError(error);
  }
}
