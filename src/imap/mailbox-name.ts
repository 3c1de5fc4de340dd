import { MailError } from '../mail/mail-error.ts';
import type { Encoder } from '../wire/encoder.ts';
import { Malformed } from '../wire/malformed.ts';
import { decodeMutf7, encodeMutf7 } from '../wire/mutf7.ts';

export const SEPARATOR = '/';
export const INBOX = 'INBOX';

/** Octets of UTF-8 that a new name may have. A store may allow more to what it mirrors. */
export const NAME_OCTETS_MOST = 1000;
/** Levels that a new name may have. */
export const NAME_LEVELS_MOST = 32;

const EIGHT_BIT = /[^\x00-\x7f]/;
/** RFC 5198 §2: control characters, and the two separators that are none by name. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

/**
 * The mailbox that a client names (RFC 3501 §5.1): Unicode in NFC, INBOX in capitals where it is the whole name or its first level.
 * Clients that send UTF-8 as it is (IMAP4rev2's way, and Dovecot's answer to it) find what they mean.
 * @param wire as an `astring`
 * @throws MailError `cannot` when it is not modified UTF-7
 */
export function mailboxName(wire: string): string {
  return capitalInbox(unicodeOf(wire).normalize('NFC'));
}

/**
 * The same of a mailbox that shall be made; a separator at its end is dropped, as RFC 3501 §6.3.3 says for CREATE. Here UTF-8 is
 * refused: the client would not recognise the name that LIST tells it.
 * @throws MailError `cannot` for a name that no client could list, or that is too long
 */
export function newMailboxName(wire: string): string {
  if (EIGHT_BIT.test(wire)) throw impossible('The name of a new mailbox must be in modified UTF-7.');
  const name = mailboxName(wire.endsWith(SEPARATOR) ? wire.slice(0, -1) : wire);
  checkNewName(name);
  return name;
}

/** @param name as in `MailboxInfo` @throws MailError `cannot` */
export function checkNewName(name: string): void {
  const levels = name.split(SEPARATOR);
  if (name === '') throw impossible('A mailbox needs a name.');
  if (levels.includes('')) throw impossible('A level of a mailbox name cannot be empty.');
  if (/[%*]/.test(name)) throw impossible('A mailbox name cannot hold "*" or "%".');
  if (CONTROL.test(name)) throw impossible('A mailbox name cannot hold control characters.');
  if (levels.length > NAME_LEVELS_MOST) throw impossible(`A mailbox name has ${NAME_LEVELS_MOST} levels at most.`);
  if (Buffer.byteLength(name) > NAME_OCTETS_MOST) throw impossible('The mailbox name is too long.');
}

/** Unicode of a name, pattern or reference as it came, without INBOX's rule. @throws MailError `cannot` */
export function unicodeOf(wire: string): string {
  if (EIGHT_BIT.test(wire)) return wire;
  try {
    return decodeMutf7(wire);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    throw new MailError('cannot', error.message, { answer: 'The mailbox name is not valid modified UTF-7.' });
  }
}

/** As an `astring` for the client. */
export function encodeMailboxName(encoder: Encoder, name: string): Encoder {
  return encoder.astring(encodeMutf7(name));
}

/** The names of the levels above, outermost first. */
export function levelsAbove(name: string): string[] {
  const above: string[] = [];
  for (let at = name.indexOf(SEPARATOR); at !== -1; at = name.indexOf(SEPARATOR, at + 1)) above.push(name.slice(0, at));
  return above;
}

function capitalInbox(name: string): string {
  // Not toUpperCase: it takes a dotless i for an i.
  return name.replace(/^inbox(?=\/|$)/i, INBOX);
}

function impossible(answer: string): MailError {
  return new MailError('cannot', answer, { answer });
}
