import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { AccountId } from '../../mail/ids.ts';
import type { AppPasswordUse, AppPasswordVerifier } from '../app-password.ts';
import { networkMatcher } from './network-match.ts';
import { canonicalSecret, hashSecret, idOfSecret } from './secret-form.ts';

/** What is kept of an app password: a file of its own, in JSON. */
const schema = z.object({
  id: z.string().regex(/^[a-z2-9]{8}$/),
  name: z.string(),
  /** ISO times. */
  created: z.iso.datetime(),
  expires: z.iso.datetime().optional(),
  /** Protocols; empty = all. */
  only: z.array(z.string()),
  /** Networks; empty = from anywhere. */
  from: z.array(z.string()),
  /** SHA-256 in hex. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** RFC 5803: `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`. */
  scram: z.string(),
});

export type AppPasswordRecord = z.output<typeof schema>;

/** What its owner, or the administrator, decides about an app password. */
export interface AppPasswordTerms {
  readonly name: string;
  readonly expires?: Date | undefined;
  readonly only: readonly string[];
  readonly from: readonly string[];
}

/** The least that RFC 7677 §4 allows: more protects passwords that can be guessed. */
const ITERATIONS = 4096;
const SCRAM = /^SCRAM-SHA-256\$(\d{1,9}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/;

const derive = promisify(pbkdf2);

/** @param secret as it is shown, which is also what a client that speaks SCRAM has to be given */
export async function newRecord(
  account: AccountId,
  secret: string,
  terms: AppPasswordTerms,
  now: Date,
): Promise<AppPasswordRecord> {
  const canonical = canonicalSecret(secret);
  if (canonical === undefined) throw new Error('this is no app password');
  return {
    id: idOfSecret(canonical),
    name: terms.name,
    created: now.toISOString(),
    ...(terms.expires ? { expires: terms.expires.toISOString() } : {}),
    only: [...terms.only],
    from: [...terms.from],
    hash: hashSecret(canonical).toString('hex'),
    scram: await scramOf(account, canonical),
  };
}

/** @throws Error that says what is wrong, without the content */
export function parseRecord(text: string): AppPasswordRecord {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new Error(`has no usable ${parsed.error.issues[0]?.path.join('.') ?? 'content'}`);
  return parsed.data;
}

export function isSecretOf(record: AppPasswordRecord, canonical: string): boolean {
  return timingSafeEqual(Buffer.from(record.hash, 'hex'), hashSecret(canonical));
}

/** Why it may not be used now, for the log; undefined when it may. */
export function objection(record: AppPasswordRecord, use: AppPasswordUse, now: number): string | undefined {
  const { id, name, expires, only, from } = record;
  const what = `${id} (${name})`;
  if (expires !== undefined && Date.parse(expires) <= now) return `${what} expired on ${expires}`;
  if (only.length > 0 && !only.includes(use.protocol)) return `${what} is not for ${use.protocol}`;
  // A network that cannot be read lets nobody in.
  const near = from.length === 0 || from.some(network => networkMatcher(network)?.(use.address) === true);
  return near ? undefined : `${what} may not be used from ${use.address}`;
}

/** @throws Error when the record's verifier cannot be read */
export function verifierOf({ id, name, scram }: AppPasswordRecord): AppPasswordVerifier {
  const [, iterations, salt, storedKey, serverKey] = SCRAM.exec(scram) ?? [];
  if (!iterations || !salt || !storedKey || !serverKey) throw new Error('has no usable scram');
  const bytes = (text: string) => Buffer.from(text, 'base64');
  return {
    mark: { id, name },
    iterations: Number(iterations),
    salt: bytes(salt),
    storedKey: bytes(storedKey),
    serverKey: bytes(serverKey),
  };
}

/** RFC 5802 §3 with SHA-256 (RFC 7677). */
async function scramOf(account: AccountId, canonical: string): Promise<string> {
  // The server must name the salt before it knows which app password will be proven: all of an account share one. That it can be
  // computed helps nobody: tables for it would have to hold 2^128 passwords.
  const salt = createHash('sha256').update(`postern app password salt\0${account}`).digest().subarray(0, 16);
  const salted = await derive(canonical, salt, ITERATIONS, 32, 'sha256');
  const key = (label: string) => createHmac('sha256', salted).update(label).digest();
  const storedKey = createHash('sha256').update(key('Client Key')).digest();
  const [saltText, stored, server] = [salt, storedKey, key('Server Key')].map(bytes => bytes.toString('base64'));
  return `SCRAM-SHA-256$${ITERATIONS}:${saltText}$${stored}:${server}`;
}
