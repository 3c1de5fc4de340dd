import { createHash } from 'node:crypto';
import { type AccountId, isAccountId } from '../mail/ids.ts';
import { encodeBase32 } from './base32.ts';

/** RFC 4648 §6, in lower case. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const BITS = 128;

/**
 * The account of a directory entry: base32 of the first 128 bits of SHA-256(directory NUL id), 26 characters that are safe in
 * a path on any file system. The same on every machine and after every restart, so that nothing has to be kept to find it
 * again. Renaming a directory in the configuration makes other accounts of its users.
 * @throws Error when the directory gave no id: two users without one would share an account
 */
export function accountId(directory: string, id: string): AccountId {
  if (directory === '' || id === '') throw new Error('an account needs a directory and an id');
  if (directory.includes('\0')) throw new Error('the name of a directory holds a NUL');
  const digest = createHash('sha256').update(`${directory}\0${id}`).digest();
  const text = encodeBase32(digest.subarray(0, BITS / 8), ALPHABET);
  if (!isAccountId(text)) throw new Error('unreachable: base32 of 128 bits is an account id');
  return text;
}
