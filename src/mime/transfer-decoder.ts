/** Undoes a Content-Transfer-Encoding of octets that come in pieces. What is broken is read as far as it makes sense. */
export interface TransferDecoder {
  /** What the octets so far say, and has not been given before. Lives until the next call. */
  write(octets: Uint8Array): Uint8Array;
  /** What is left. */
  end(): Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** @param encoding lower case; one that is not known, or none, leaves the octets as they are */
export function openTransferDecoder(encoding: string | undefined): TransferDecoder {
  if (encoding === 'base64') return new Base64Decoder();
  if (encoding === 'quoted-printable') return new QuotedPrintableDecoder();
  return { write: octets => octets, end: () => NOTHING };
}

const PAD = 64;
const OUTSIDE = 65;
const SEXTETS = new Uint8Array(256).fill(OUTSIDE);
for (const [sextet, letter] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  SEXTETS[letter.charCodeAt(0)] = sextet;
}
SEXTETS['='.charCodeAt(0)] = PAD;

/** RFC 2045 §6.8. What is not in the alphabet is passed over; after a padding it goes on, as where several were put one after another. */
class Base64Decoder implements TransferDecoder {
  #bits = 0;
  #count = 0;
  #out: Uint8Array = NOTHING;

  write(octets: Uint8Array): Uint8Array {
    const most = Math.ceil(((octets.length + 4) * 3) / 4);
    if (this.#out.length < most) this.#out = new Uint8Array(most);
    const out = this.#out;
    let bits = this.#bits;
    let count = this.#count;
    let length = 0;
    for (let at = 0; at < octets.length; at += 1) {
      const sextet = SEXTETS[octets[at] ?? 0] ?? OUTSIDE;
      if (sextet < PAD) {
        bits = (bits << 6) | sextet;
        count += 1;
        if (count < 4) continue;
        out[length] = bits >> 16;
        out[length + 1] = bits >> 8;
        out[length + 2] = bits;
        length += 3;
      } else if (sextet === PAD) {
        length = flush(out, length, bits, count);
      } else continue;
      bits = 0;
      count = 0;
    }
    this.#bits = bits;
    this.#count = count;
    return out.subarray(0, length);
  }

  end(): Uint8Array {
    const out = new Uint8Array(2);
    return out.subarray(0, flush(out, 0, this.#bits, this.#count));
  }
}

/** Two or three sextets at an end are one or two octets. */
function flush(out: Uint8Array, length: number, bits: number, count: number): number {
  if (count === 2) out[length] = bits >> 4;
  if (count === 3) {
    out[length] = bits >> 10;
    out[length + 1] = bits >> 2;
  }
  return length + Math.max(0, count - 1);
}

const TAB = 9;
const LF = 10;
const CR = 13;
const SPACE = 32;
const EQUALS = 61;
/** White space after a soft line break that is looked through. */
const TRAILING_MOST = 76;

/** RFC 2045 §6.7. An "=" that begins nothing stands for itself. White space at the ends of lines stays. */
class QuotedPrintableDecoder implements TransferDecoder {
  /** From an "=" on whose end has not come yet. */
  #held: Uint8Array = NOTHING;

  write(octets: Uint8Array): Uint8Array {
    if (this.#held.length === 0 && !octets.includes(EQUALS)) return octets;
    return this.#decode(this.#held.length === 0 ? octets : joined(this.#held, octets), false);
  }

  end(): Uint8Array {
    return this.#decode(this.#held, true);
  }

  #decode(octets: Uint8Array, isLast: boolean): Uint8Array {
    this.#held = NOTHING;
    const out = new Uint8Array(octets.length);
    let length = 0;
    for (let at = 0; at < octets.length; at += 1) {
      const octet = octets[at] ?? 0;
      const after = octet === EQUALS ? afterEquals(octets, at, isLast) : at;
      if (after === undefined) {
        this.#held = octets.slice(at);
        break;
      }
      if (after > at && octets[after] !== LF) {
        out[length] = (hexDigit(octets[at + 1]) << 4) | hexDigit(octets[at + 2]);
        length += 1;
      } else if (after === at) {
        out[length] = octet;
        length += 1;
      }
      at = after;
    }
    return out.subarray(0, length);
  }
}

/** Where what an "=" begins ends: at a digit or at a line feed; `at` itself: it begins nothing; undefined: that is not known yet. */
function afterEquals(octets: Uint8Array, at: number, isLast: boolean): number | undefined {
  if (hexDigit(octets[at + 1]) >= 0 && hexDigit(octets[at + 2]) >= 0) return at + 2;
  let end = at + 1;
  if (hexDigit(octets[end]) >= 0) return octets.length === at + 2 && !isLast ? undefined : at;
  while (end - at <= TRAILING_MOST && (octets[end] === SPACE || octets[end] === TAB)) end += 1;
  if (octets[end] === CR) end += 1;
  if (octets[end] === LF) return end;
  return end >= octets.length && !isLast ? undefined : at;
}

function hexDigit(octet: number | undefined): number {
  if (octet === undefined) return -1;
  if (octet >= 48 && octet <= 57) return octet - 48;
  const letter = octet | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + two.length);
  both.set(one);
  both.set(two, one.length);
  return both;
}
