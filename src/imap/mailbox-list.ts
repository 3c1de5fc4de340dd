import { Encoder } from '../wire/encoder.ts';
import { encodeMailboxName, SEPARATOR } from './mailbox-name.ts';

/** One answer of LIST or LSUB (RFC 3501 §7.2.2), a whole line. */
export function renderMailboxList(kind: 'LIST' | 'LSUB', attributes: readonly string[], name: string): string {
  const line = new Encoder().raw(`* ${kind} (${attributes.join(' ')}) "${SEPARATOR}" `);
  return Buffer.concat(encodeMailboxName(line, name).finish()).toString('latin1');
}
