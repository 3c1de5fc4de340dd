import type { asn1 } from 'node-forge';

/** ASN.1 that is not of the shape its place asks for. */
export class BerError extends Error {
  override readonly name = 'BerError';
}

/**
 * A position in parsed ASN.1, read by the shape that is expected: every step that does not fit throws `BerError`, so that
 * damaged input never comes out as undefined values.
 */
export class Ber {
  readonly node: asn1.Asn1;

  constructor(node: asn1.Asn1) {
    this.node = node;
  }

  /** The parts of a sequence, a set or an explicit tag. */
  get parts(): Ber[] {
    const { value } = this.node;
    if (typeof value === 'string') throw new BerError('a sequence is missing');
    return value.map(part => new Ber(part));
  }

  /** Part number `index`. */
  at(index: number): Ber {
    const part = this.parts[index];
    if (!part) throw new BerError('a part is missing');
    return part;
  }

  /** The number of a context-specific tag, undefined for a universal type. */
  get contextTag(): number | undefined {
    return Number(this.node.tagClass) === CONTEXT_SPECIFIC ? Number(this.node.type) : undefined;
  }

  /** Whether it is of this universal type. */
  is(type: keyof typeof UNIVERSAL): boolean {
    return this.contextTag === undefined && Number(this.node.type) === UNIVERSAL[type];
  }

  /** Content of an octet string, also of one in pieces (BER, as some exporters write). */
  get octets(): Buffer {
    const { value } = this.node;
    return typeof value === 'string'
      ? Buffer.from(value, 'latin1')
      : Buffer.concat(value.map(piece => new Ber(piece).octets));
  }

  /** A small non-negative integer. */
  get number(): number {
    const { value } = this.node;
    if (!this.is('integer') || typeof value !== 'string' || value.length === 0 || value.length > 6) {
      throw new BerError('a number is missing or out of range');
    }
    return Buffer.from(value, 'latin1').readIntBE(0, value.length);
  }

  /** Dotted form of an object identifier. */
  get oid(): string {
    const { value } = this.node;
    if (!this.is('oid') || typeof value !== 'string' || value === '') throw new BerError('an identifier is missing');
    const numbers: number[] = [];
    let current = 0;
    for (const byte of Buffer.from(value, 'latin1')) {
      current = current * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        numbers.push(current);
        current = 0;
      }
    }
    const [first = 0, ...rest] = numbers;
    const top = Math.min(2, Math.floor(first / 40));
    return [top, first - top * 40, ...rest].join('.');
  }
}

const CONTEXT_SPECIFIC = 0x80;
const UNIVERSAL = { integer: 2, octets: 4, oid: 6, sequence: 16 } as const;
