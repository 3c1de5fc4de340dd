declare const brand: unique symbol;

/** 32 lower-case hexadecimal digits: 48 bits of time in milliseconds since 1970, then 80 random bits. */
export type BlobId = string & { readonly [brand]: 'BlobId' };

const FORM = /^[0-9a-f]{32}$/;
const TIME_DIGITS = 12;
const RANDOM_OCTETS = 10;
/** 48 bits: the year 10889. */
const LATEST = 0xffff_ffff_ffff;

export function isBlobId(text: string): text is BlobId {
  return FORM.test(text);
}

/**
 * An id that was never used and never will be.
 * @param now milliseconds since 1970
 * @param random gives as many random octets as asked for
 */
export function newBlobId(now: number, random: (octets: number) => Uint8Array): BlobId {
  const time = Math.min(Math.max(Math.floor(now), 0), LATEST);
  const id = time.toString(16).padStart(TIME_DIGITS, '0') + Buffer.from(random(RANDOM_OCTETS)).toString('hex');
  if (!isBlobId(id)) throw new TypeError(`the source of randomness gave no ${RANDOM_OCTETS} octets`);
  return id;
}

/** When the blob was kept, in milliseconds since 1970. */
export function blobTime(id: BlobId): number {
  return Number.parseInt(id.slice(0, TIME_DIGITS), 16);
}
