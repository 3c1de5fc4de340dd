import { parseAddresses } from './addresses.ts';
import type { Reading } from './content.ts';
import type { Address, Envelope } from './structure.ts';
import type { Field } from './wanted-fields.ts';

/**
 * The envelope of a header. A text that is there twice counts as last written. Addresses of repeated fields are all given: a client
 * must not be shown another sender than the one that was checked.
 */
export function readEnvelope(fields: readonly Field[], reading: Reading): Envelope {
  const text = (name: string) => fields.findLast(field => field.name === name)?.value;
  const addresses = (name: string) =>
    fields.filter(field => field.name === name).flatMap(({ value }) => read(value, reading));
  return {
    date: text('date'),
    subject: text('subject'),
    from: addresses('from'),
    sender: addresses('sender'),
    replyTo: addresses('reply-to'),
    to: addresses('to'),
    cc: addresses('cc'),
    bcc: addresses('bcc'),
    inReplyTo: text('in-reply-to'),
    messageId: text('message-id'),
  };
}

function read(value: string, reading: Reading): Address[] {
  const { addresses, cut } = parseAddresses(value, reading.addressesLeft, reading.meter);
  if (cut) reading.cut.add('addresses');
  reading.addressesLeft = Math.max(0, reading.addressesLeft - addresses.length);
  return addresses;
}
