import { encodeForPeople, encodeNString, encodeUnfolded } from './encode-string.ts';
import type { Address, Envelope } from './structure.ts';

/** The ENVELOPE of FETCH (RFC 9051 §7.5.2), with its parentheses. */
export function encodeEnvelope(envelope: Envelope): Buffer {
  return Buffer.from(envelopeText(envelope), 'latin1');
}

/** The same with a character for each byte, to be part of more. */
export function envelopeText(envelope: Envelope): string {
  const { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = envelope;
  const fields = [
    encodeUnfolded(date),
    encodeForPeople(subject),
    addressList(from),
    // RFC 9051 §7.5.2: absent or empty ones are those of From.
    addressList(sender.length > 0 ? sender : from),
    addressList(replyTo.length > 0 ? replyTo : from),
    addressList(to),
    addressList(cc),
    addressList(bcc),
    encodeUnfolded(inReplyTo),
    encodeUnfolded(messageId),
  ];
  return `(${fields.join(' ')})`;
}

function addressList(addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'NIL';
  const encoded = addresses.map(
    ({ name, route, mailbox, domain }) =>
      `(${encodeForPeople(name)} ${encodeNString(route)} ${encodeNString(mailbox)} ${encodeNString(domain)})`,
  );
  return `(${encoded.join('')})`;
}
