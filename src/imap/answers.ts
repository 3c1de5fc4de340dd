import type { MailErrorKind } from '../mail/mail-error.ts';

/** How each kind of failure is answered (RFC 5530, RFC 9051 §7.1): the one table. */
interface Answer {
  readonly code: string;
  readonly text: string;
}

/** What the client reads; deliberately without detail. The log has the detail, under the session's id. */
export const ANSWERS: Readonly<Record<MailErrorKind, Answer>> = {
  'authentication-failed': { code: 'AUTHENTICATIONFAILED', text: 'Authentication failed.' },
  'authorization-failed': { code: 'AUTHORIZATIONFAILED', text: 'You may not use this service.' },
  unavailable: { code: 'UNAVAILABLE', text: 'Temporarily unavailable, please try again later.' },
  'privacy-required': { code: 'PRIVACYREQUIRED', text: 'Use TLS first.' },
  'contact-admin': {
    code: 'CONTACTADMIN',
    text: 'Your mailbox is not set up here; please contact your administrator.',
  },
  expired: { code: 'EXPIRED', text: 'Your password has expired; please change it.' },
  limit: { code: 'LIMIT', text: 'That is more than is allowed here.' },
  'too-big': { code: 'TOOBIG', text: 'Too big.' },
  nonexistent: { code: 'NONEXISTENT', text: 'There is no such mailbox.' },
  'no-target': { code: 'TRYCREATE', text: 'There is no such mailbox.' },
  'already-exists': { code: 'ALREADYEXISTS', text: 'There is such a mailbox already.' },
  cannot: { code: 'CANNOT', text: 'That is not possible.' },
  'special-use': { code: 'USEATTR', text: 'This special use is not possible here.' },
  'read-only': { code: 'NOPERM', text: 'The mailbox is read-only.' },
  'over-quota': { code: 'OVERQUOTA', text: 'The quota is used up.' },
  'no-space': { code: 'UNAVAILABLE', text: 'The server has no space left.' },
  'has-children': { code: 'HASCHILDREN', text: 'There are mailboxes below it.' },
  'in-use': { code: 'INUSE', text: 'In use, please try again later.' },
  'bad-charset': { code: 'BADCHARSET', text: 'This charset is not known.' },
  'expunge-issued': { code: 'EXPUNGEISSUED', text: 'Some of the messages are gone.' },
  gone: { code: 'CLOSED', text: 'The mailbox is not what it was.' },
  damaged: { code: 'SERVERBUG', text: 'This cannot be read; please tell your administrator.' },
};
