import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { saslprep } from './login-name.ts';

export type ScramHash = 'sha1' | 'sha256';

/** What a server keeps of a password to prove it by SCRAM (RFC 5802 §3); the keys are as long as the hash. */
export interface ScramVerifier {
  readonly hash: ScramHash;
  readonly iterations: number;
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The least that RFC 7677 §4 allows, and what nearly everybody has: another number would tell who is known here. */
export const SCRAM_ITERATIONS = 4096;
/** A client is asked to do this much work at most. */
const MOST_ITERATIONS = 10_000_000;

const SCHEMES = { 'SCRAM-SHA-1': 'sha1', 'SCRAM-SHA-256': 'sha256' } as const;
const LENGTHS = { sha1: 20, sha256: 32 } as const;

const BASE64 = '([A-Za-z0-9+/]+={0,2})';
/** RFC 5803 §2, where blanks may stand around `$`. */
const RFC_5803 = new RegExp(`^(SCRAM-SHA-1|SCRAM-SHA-256) *\\$ *(\\d{1,9}):${BASE64} *\\$ *${BASE64}:${BASE64}$`, 'i');
/** As Dovecot keeps them. */
const BRACED = new RegExp(`^\\{(SCRAM-SHA-1|SCRAM-SHA-256)\\}(\\d{1,9}),${BASE64},${BASE64},${BASE64}$`, 'i');

const derive = promisify(pbkdf2);

/**
 * Reads `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY` (RFC 5803) or `{SCRAM-SHA-256}ITERATIONS,SALT,STOREDKEY,SERVERKEY`.
 * @returns undefined for what is no SCRAM verifier of a hash that is known here: an attribute may hold other schemes, too
 */
export function parseScramVerifier(text: string): ScramVerifier | undefined {
  const [, scheme = '', count = '', ...keys] = RFC_5803.exec(text.trim()) ?? BRACED.exec(text.trim()) ?? [];
  const hash = scheme.toUpperCase() === 'SCRAM-SHA-1' ? SCHEMES['SCRAM-SHA-1'] : SCHEMES['SCRAM-SHA-256'];
  const [salt, storedKey, serverKey] = keys.map(key => Buffer.from(key, 'base64'));
  const iterations = Number(count);
  if (!salt || !storedKey || !serverKey || iterations < 1 || iterations > MOST_ITERATIONS) return undefined;
  if (storedKey.length !== LENGTHS[hash] || serverKey.length !== LENGTHS[hash]) return undefined;
  return { hash, iterations, salt, storedKey, serverKey };
}

/** In the form of RFC 5803. */
export function encodeScramVerifier({ hash, iterations, salt, storedKey, serverKey }: ScramVerifier): string {
  const scheme = hash === 'sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256';
  const [saltText, stored, server] = [salt, storedKey, serverKey].map(bytes => bytes.toString('base64'));
  return `${scheme}$${iterations}:${saltText}$${stored}:${server}`;
}

/** That of a new password, with a salt of its own. @throws Error when the password has characters that SCRAM cannot carry */
export async function newScramVerifier(
  password: string,
  hash: ScramHash,
  iterations = SCRAM_ITERATIONS,
): Promise<ScramVerifier> {
  const prepared = saslprep(password);
  if (prepared === undefined) throw new Error('the password has characters that SASLprep (RFC 4013) prohibits');
  const salt = randomBytes(16);
  const salted = await derive(prepared, salt, iterations, LENGTHS[hash], hash);
  const key = (label: string) => createHmac(hash, salted).update(label).digest();
  const storedKey = createHash(hash).update(key('Client Key')).digest();
  return { hash, iterations, salt, storedKey, serverKey: key('Server Key') };
}

/** One that no password has, for whom nobody knows. */
export function nobodysVerifier(hash: ScramHash, salt: Buffer): ScramVerifier {
  const [storedKey, serverKey] = [randomBytes(LENGTHS[hash]), randomBytes(LENGTHS[hash])];
  return { hash, iterations: SCRAM_ITERATIONS, salt, storedKey, serverKey };
}

/**
 * The verifiers of one user. Whoever has them can pass for the server, and guess the password without asking: they are shown by no log,
 * no report and no JSON.
 */
export class KeptVerifiers {
  readonly #all: readonly ScramVerifier[];

  /** @param texts as they are kept; what is no verifier is passed over */
  constructor(texts: readonly string[]) {
    this.#all = texts.flatMap(text => parseScramVerifier(text) ?? []);
  }

  of(hash: ScramHash): readonly ScramVerifier[] {
    return this.#all.filter(verifier => verifier.hash === hash);
  }

  toJSON(): undefined {
    return undefined;
  }
}
