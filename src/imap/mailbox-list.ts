import { Encoder } from '../wire/encoder.ts';
import { encodeMailboxName, SEPARATOR } from './mailbox-name.ts';

/** Names that are told as they are; not all of them, but the usual ones. */
const PLAIN = /^[A-Za-z0-9/._-]+$/;

/** One answer of LIST or LSUB (RFC 3501 §7.2.2), a whole line. */
export function renderMailboxList(kind: 'LIST' | 'LSUB', attributes: readonly string[], name: string): string {
  const head = `* ${kind} (${attributes.join(' ')}) "${SEPARATOR}" `;
  if (PLAIN.test(name) && name.toUpperCase() !== 'NIL') return `${head}${name}\r\n`;
  const line = new Encoder().raw(head);
  return Buffer.concat(encodeMailboxName(line, name).finish()).toString('latin1');
}
