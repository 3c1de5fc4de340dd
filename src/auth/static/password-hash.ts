import crypto, { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** A password hash taken apart; memory in KiB for argon2id, N = 2^ln for scrypt (RFC 9106, RFC 7914). */
export type PasswordHash = (
  | { readonly kind: 'argon2id'; readonly memory: number; readonly passes: number; readonly lanes: number }
  | { readonly kind: 'scrypt'; readonly ln: number; readonly r: number; readonly p: number }
) & { readonly salt: Buffer; readonly hash: Buffer };

/**
 * What new hashes cost: the least that OWASP's Password Storage Cheat Sheet names. More would be paid at every login that is
 * not in the result cache.
 */
const ARGON2ID = { kind: 'argon2id', memory: 19_456, passes: 2, lanes: 1 } as const;
const SCRYPT = { kind: 'scrypt', ln: 17, r: 8, p: 1 } as const;

/** Bounds of what a file may ask for, so that one line of it cannot take the machine's memory or a core for minutes. */
const MOST_MEMORY = 256 * 1024 * 1024;
const MOST_WORK = 1024 * 1024 * 1024;
const ARGON2ID_PARAMETERS = { m: [8, MOST_MEMORY / 1024], t: [1, 64], p: [1, 16] } as const;
const SCRYPT_PARAMETERS = { ln: [1, 20], r: [1, 32], p: [1, 16] } as const;

/**
 * Reads `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH` or `$scrypt$ln=LOG2N,r=R,p=P$SALT$HASH`, the PHC string format with
 * base64 without padding.
 * @throws Error that says what is wrong, without the hash itself
 */
export function parsePasswordHash(text: string): PasswordHash {
  const [before, kind, ...fields] = text.split('$');
  if (before !== '' || (kind !== 'argon2id' && kind !== 'scrypt')) {
    throw new Error('is no password hash of a kind that is known here; make one with `postern user hash`');
  }
  if (kind === 'argon2id' && fields.shift() !== 'v=19') throw new Error('argon2id is understood in version v=19 only');
  const [parameters = '', saltText = '', hashText = '', ...rest] = fields;
  if (rest.length > 0 || hashText === '') throw new Error(`${kind} needs parameters, salt and hash, parted by $`);
  const salt = decode(saltText, 'salt', 8, 64);
  const hash = decode(hashText, 'hash', 16, 64);
  const parsed: PasswordHash =
    kind === 'scrypt'
      ? { kind, ...parseNumbers(parameters, SCRYPT_PARAMETERS), salt, hash }
      : argon2id(parseNumbers(parameters, ARGON2ID_PARAMETERS), salt, hash);
  const { memory, work } = cost(parsed);
  if (memory > MOST_MEMORY) throw new Error(`${kind} would take ${memory} bytes of memory; ${MOST_MEMORY} are allowed`);
  if (work > MOST_WORK) throw new Error(`${kind} would take too long: lower ${kind === 'scrypt' ? 'p' : 't'}`);
  return parsed;
}

/** The hash of a new password, with a salt of its own, in PHC string format. */
export async function hashPassword(password: string, kind: PasswordHash['kind'] = 'argon2id'): Promise<string> {
  const blank = blankHash(kind === 'scrypt' ? SCRYPT : ARGON2ID);
  const hash = await derive(blank, password);
  const tail = [blank.salt, hash].map(bytes => bytes.toString('base64').replace(/=+$/, '')).join('$');
  return blank.kind === 'scrypt'
    ? `$scrypt$ln=${blank.ln},r=${blank.r},p=${blank.p}$${tail}`
    : `$argon2id$v=19$m=${blank.memory},t=${blank.passes},p=${blank.lanes}$${tail}`;
}

/**
 * Whether a password has this hash. The work is done off the event loop and takes the same time for every password.
 * @throws Error when this Node cannot do it
 */
export async function verifyPassword(expected: PasswordHash, password: string): Promise<boolean> {
  return timingSafeEqual(await derive(expected, password), expected.hash);
}

/** A hash that no password has, as expensive as the given one: what an unknown user is verified against. */
export function dummyHash(like: PasswordHash | undefined): PasswordHash {
  return { ...blankHash(like ?? ARGON2ID), ...(like ? { hash: randomBytes(like.hash.length) } : {}) };
}

type Parameters =
  | Omit<Extract<PasswordHash, { kind: 'argon2id' }>, 'salt' | 'hash'>
  | Omit<Extract<PasswordHash, { kind: 'scrypt' }>, 'salt' | 'hash'>;

function blankHash(parameters: Parameters): PasswordHash {
  return { ...parameters, salt: randomBytes(16), hash: randomBytes(32) };
}

/** Bytes held while it is computed, and bytes gone over. */
function cost(hash: PasswordHash): { memory: number; work: number } {
  if (hash.kind === 'argon2id') return { memory: hash.memory * 1024, work: hash.memory * 1024 * hash.passes };
  const block = 128 * hash.r * 2 ** hash.ln;
  return { memory: block, work: block * hash.p };
}

function derive(like: PasswordHash, password: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const done = (error: Error | null, key: Buffer) => (error ? reject(error) : resolve(key));
  if (like.kind === 'scrypt') {
    const { ln, r, p } = like;
    // Node counts a little more than the blocks.
    const options = { N: 2 ** ln, r, p, maxmem: MOST_MEMORY * 2 };
    scrypt(password, like.salt, like.hash.length, options, done);
    return promise;
  }
  // Read from the module as it is: where it is missing, a named import would keep the whole program from starting.
  if (typeof crypto.argon2 !== 'function') {
    reject(
      new Error(`argon2id needs Node 24.7 or newer, this is ${process.version}; use scrypt hashes or a newer Node`),
    );
    return promise;
  }
  const { memory, passes, lanes: parallelism } = like;
  const tagLength = like.hash.length;
  crypto.argon2('argon2id', { message: password, nonce: like.salt, parallelism, tagLength, memory, passes }, done);
  return promise;
}

function argon2id({ m, t, p }: { m: number; t: number; p: number }, salt: Buffer, hash: Buffer): PasswordHash {
  if (m < 8 * p) throw new Error(`argon2id needs at least 8 KiB of memory for each lane: m=${8 * p}`);
  return { kind: 'argon2id', memory: m, passes: t, lanes: p, salt, hash };
}

/** `name=number,...`, in the order of the bounds, as the format prescribes. */
function parseNumbers<Name extends string>(
  text: string,
  bounds: Readonly<Record<Name, readonly [number, number]>>,
): Record<Name, number> {
  const names = Object.keys(bounds);
  const given = text.split(',').map(pair => /^([a-z]+)=(\d{1,9})$/.exec(pair));
  if (given.map(match => match?.[1]).join() !== names.join()) {
    throw new Error(`needs the parameters ${names.join(', ')}, in this order, and no others`);
  }
  const numbers = Object.fromEntries(given.map(match => [match?.[1] ?? '', Number(match?.[2])]));
  const wrong = Object.entries<readonly [number, number]>(bounds).find(([name, [least, most]]) => {
    const number = numbers[name] ?? Number.NaN;
    return !(number >= least && number <= most);
  });
  if (wrong) throw new Error(`${wrong[0]} must be from ${wrong[1].join(' to ')}`);
  if (!hasAll(numbers, bounds)) throw new Error('unreachable: the names were compared');
  return numbers;
}

function hasAll<Name extends string>(
  numbers: Record<string, number>,
  bounds: Readonly<Record<Name, unknown>>,
): numbers is Record<Name, number> {
  return Object.keys(bounds).every(name => name in numbers);
}

function decode(text: string, what: string, least: number, most: number): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (!/^[A-Za-z0-9+/]*$/.test(text)) throw new Error(`the ${what} is not base64 without padding`);
  if (bytes.length < least || bytes.length > most) throw new Error(`the ${what} must have ${least} to ${most} bytes`);
  return bytes;
}
