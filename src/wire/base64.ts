import { Malformed } from './malformed.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Strict base64 (RFC 4648 §4): whole, padded, nothing else. @throws Malformed */
export function decodeBase64(text: string): Buffer {
  if (!BASE64.test(text)) throw new Malformed('invalid base64');
  return Buffer.from(text, 'base64');
}

export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
