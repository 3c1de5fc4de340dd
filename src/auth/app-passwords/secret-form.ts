import { createHash, randomBytes } from 'node:crypto';
import { encodeBase32 } from '../base32.ts';

/** Lower case without `l` and `o`, digits without 0 and 1: what is read off one screen and typed into another cannot be mistaken. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const RANDOM_BYTES = 16;
/** 128 random bits and 12 that check them, 5 to a character. */
const CHARACTERS = 28;
const GROUP = 4;

/** A new app password as it is shown: seven groups of four, `abcd-efgh-...`. */
export function newSecret(): string {
  const random = randomBytes(RANDOM_BYTES);
  const text = encodeBase32(Buffer.concat([random, checkBytes(random)]), ALPHABET).slice(0, CHARACTERS);
  return (text.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/**
 * The one spelling of what was typed, which is that of `newSecret`: case, spaces and hyphens do not matter.
 * @returns undefined when it is none: a slip of the finger and nearly every other password fail the check
 */
export function canonicalSecret(typed: string): string | undefined {
  const text = typed.replace(/[\s-]/g, '').toLowerCase();
  if (text.length !== CHARACTERS) return undefined;
  const bits = decode(text);
  if (!bits) return undefined;
  const random = bits.subarray(0, RANDOM_BYTES);
  const check = checkBytes(random);
  // 12 bits: the second byte of the check is used by its upper half.
  if (bits[RANDOM_BYTES] !== check[0] || (bits[RANDOM_BYTES + 1] ?? 0) >> 4 !== (check[1] ?? 0) >> 4) return undefined;
  return (text.match(new RegExp(`.{${GROUP}}`, 'g')) ?? []).join('-');
}

/** SHA-256 of the canonical spelling. There are 2^128 of them, so that none is found by trying, however fast the hash. */
export function hashSecret(canonical: string): Buffer {
  return createHash('sha256').update(`postern app password\0${canonical}`).digest();
}

/** Where it is kept among those of its account: 40 bits of its hash, which say nothing of the rest. */
export function idOfSecret(canonical: string): string {
  return encodeBase32(hashSecret(canonical).subarray(0, 5), ALPHABET);
}

function checkBytes(random: Uint8Array): Buffer {
  return createHash('sha256').update('postern app password check\0').update(random).digest().subarray(0, 2);
}

/** Whole bytes, with what is left of bits in one more; undefined for a character that is not of the alphabet. */
function decode(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let pending = 0;
  let bits = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    pending = (pending << 5) | value;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((pending >> bits) & 0xff);
    pending &= (1 << bits) - 1;
  }
  if (bits > 0) bytes.push((pending << (8 - bits)) & 0xff);
  return Buffer.from(bytes);
}
