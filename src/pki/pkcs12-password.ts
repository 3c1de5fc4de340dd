import { createHash, pbkdf2Sync } from 'node:crypto';
import { Pkcs12Error } from './pkcs12-error.ts';

/** What a derived key is for (RFC 7292 appendix B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

/** More rounds than any exporter uses, few enough that a forged count ends in seconds. */
const MOST_ITERATIONS = 5_000_000;

const BLOCK_BYTES: Readonly<Record<string, number>> = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128 };

/**
 * A password as the schemes of PKCS#12 take it: UTF-16BE with a terminating zero for its own derivation and MAC, UTF-8
 * for PBES2. No password at all may mean either no bytes or just the terminator, and exporters differ.
 */
export interface PasswordForm {
  readonly bmp: Buffer;
  readonly utf8: Buffer;
}

export function passwordForms(password: string): PasswordForm[] {
  const bmp = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const forms = [{ bmp, utf8: Buffer.from(password, 'utf8') }];
  if (password === '') forms.push({ bmp: Buffer.alloc(0), utf8: Buffer.alloc(0) });
  // Some exporters give PBES2 the UTF-16 form, too; alike for none but them.
  return [...forms, { bmp, utf8: bmp }];
}

/** PKCS#12's own derivation (RFC 7292 appendix B.2). */
export function deriveKey(
  password: PasswordForm,
  purpose: number,
  derivation: { readonly hash: string; readonly salt: Buffer; readonly iterations: number },
  bytes: number,
): Buffer {
  const { hash, salt, iterations } = derivation;
  checkIterations(iterations);
  const v = BLOCK_BYTES[hash];
  if (v === undefined) throw new Pkcs12Error('unsupported', `key derivation with ${hash} is not supported`);
  const diversifier = Buffer.alloc(v, purpose);
  const input = Buffer.concat([fill(salt, v), fill(password.bmp, v)]);
  const output: Buffer[] = [];
  for (let length = 0; length < bytes; ) {
    let block = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < iterations; round += 1) block = createHash(hash).update(block).digest();
    output.push(block);
    length += block.length;
    const addend = fill(block, v).subarray(0, v);
    for (let start = 0; start < input.length; start += v) addPlusOne(input.subarray(start, start + v), addend);
  }
  return Buffer.concat(output).subarray(0, bytes);
}

/** PBKDF2 (RFC 8018 §5.2) as PBES2 uses it. */
export function derivePbkdf2(
  password: PasswordForm,
  derivation: { readonly hash: string; readonly salt: Buffer; readonly iterations: number },
  bytes: number,
): Buffer {
  checkIterations(derivation.iterations);
  return pbkdf2Sync(password.utf8, derivation.salt, derivation.iterations, bytes, derivation.hash);
}

function checkIterations(iterations: number): void {
  if (iterations < 1 || iterations > MOST_ITERATIONS) {
    throw new Pkcs12Error('unsupported', `${iterations} rounds of key derivation are out of range`);
  }
}

/** `bytes` repeated to a multiple of `v`. */
function fill(bytes: Buffer, v: number): Buffer {
  return bytes.length === 0 ? Buffer.alloc(0) : Buffer.alloc(Math.ceil(bytes.length / v) * v, bytes);
}

/** `target += addend + 1`, both big-endian, modulo their size. */
function addPlusOne(target: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let index = target.length - 1; index >= 0; index -= 1) {
    carry += target.readUInt8(index) + addend.readUInt8(index);
    target[index] = carry & 0xff;
    carry >>= 8;
  }
}
