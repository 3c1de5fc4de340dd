import { isUtf8 } from 'node:buffer';

/** Bytes in a charset as text; undefined when the charset is not known. Throws nothing. */
export type DecodeCharset = (charset: string, bytes: Buffer) => string | undefined;

/** What RFC 9051 §6.4.4 wants of every server; the composition brings a decoder of more. */
export const decodeBasicCharset: DecodeCharset = (charset, bytes) => {
  const name = charset.toLowerCase();
  return name === 'utf-8' || name === 'us-ascii' || name === 'utf8' ? bytes.toString('utf8') : undefined;
};

/** For [BADCHARSET (...)]: those that clients know by these names. Others may be known, too. */
export const TOLD_CHARSETS: readonly string[] = ['US-ASCII', 'UTF-8', 'ISO-8859-1', 'ISO-8859-15', 'WINDOWS-1252'];

/** Whether bytes can be what the charset's name says, where that is easily told. */
export function isText(charset: string, bytes: Buffer): boolean {
  const name = charset.toLowerCase();
  if (name === 'us-ascii') return bytes.every(byte => byte < 0x80);
  return (name !== 'utf-8' && name !== 'utf8') || isUtf8(bytes);
}
