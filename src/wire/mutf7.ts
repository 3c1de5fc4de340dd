import { Malformed } from './malformed.ts';

/**
 * Modified UTF-7, the encoding of mailbox names in IMAP4rev1 (RFC 3501 §5.1.3): printable ASCII stands for itself, `&` is `&-`,
 * everything else is UTF-16BE in base64 with `,` for `/` and no padding, between `&` and `-`.
 */
export function encodeMutf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, run => {
    if (run === '&') return '&-';
    const utf16 = Buffer.from(run, 'utf16le').swap16();
    return `&${utf16.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`;
  });
}

/**
 * The name behind modified UTF-7. Only the canonical form is taken, so that one mailbox has one name.
 * @throws Malformed
 */
export function decodeMutf7(encoded: string): string {
  if (/[^\x20-\x7e]/.test(encoded)) throw new Malformed('a mailbox name holds a character that must be encoded');
  const name = encoded.replace(/&([^-]*)(-?)/g, (_shift, base64: string, end: string) => {
    if (end === '') throw new Malformed('a mailbox name ends inside an encoded part');
    return base64 === '' ? '&' : decodeShift(base64);
  });
  if (encodeMutf7(name) !== encoded) throw new Malformed('a mailbox name is not encoded in the canonical form');
  return name;
}

function decodeShift(base64: string): string {
  const bytes = Buffer.from(base64.replaceAll(',', '/'), 'base64');
  if (!/^[A-Za-z0-9+,]+$/.test(base64) || bytes.length % 2 !== 0)
    throw new Malformed('a mailbox name holds bad base64');
  const text = bytes.swap16().toString('utf16le');
  if (!text.isWellFormed()) throw new Malformed('a mailbox name holds half a surrogate pair');
  return text;
}
