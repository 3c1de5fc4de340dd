/** A question that Postern and Dovecot 2.3.19 answer differently, of one message. */
export interface SearchDifference {
  readonly what: string;
  /** Why ours is right, or at least allowed. */
  readonly reason: string;
  /** A character for each octet. */
  readonly message: string;
  /** Key, and the text that follows it as a literal in UTF-8. */
  readonly key: string;
  readonly text?: string;
  /** Whether Postern finds it; Dovecot does the opposite. */
  readonly ours: boolean;
}

const AS_IT_LIKES =
  'RFC 9051 §6.4.4: only case in ASCII is laid down; RFC 5255 §4.3 asks for i;unicode-casemap or more';
const UNREADABLE = 'RFC 2045 §6.1: what cannot be read is not there, and the default is 7bit';
const ATTACHED =
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inside\r\n\r\nx\r\n--b--\r\n';

const utf8 = (text: string) => Buffer.from(text).toString('latin1');

/**
 * Everything in which our SEARCH is known to differ from Dovecot's. The comparison of made-up questions leaves out what
 * `isComparable` says, each for a row here.
 */
export const SEARCH_DIFFERENCES: readonly SearchDifference[] = [
  {
    what: 'sharp s and double s',
    reason: AS_IT_LIKES,
    message: utf8('Content-Type: text/plain; charset=utf-8\r\n\r\nStraße\r\n'),
    key: 'BODY',
    text: 'STRASSE',
    ours: true,
  },
  {
    what: 'a ligature',
    reason: `${AS_IT_LIKES}: RFC 5051 decomposes it`,
    message: utf8('Content-Type: text/plain; charset=utf-8\r\n\r\n\ufb01nal\r\n'),
    key: 'BODY',
    text: 'final',
    ours: true,
  },
  {
    what: '8-bit octets in a header, without a charset',
    reason:
      'RFC 6532 §3 has UTF-8 there; what is not can only be guessed, and U+FFFD is no better guess than windows-1252',
    message: 'Subject: caf\xe9\r\n\r\n',
    key: 'SUBJECT',
    text: 'café',
    ours: true,
  },
  {
    what: '8-bit octets in a text, without a charset',
    reason: 'as above',
    message: 'Subject: x\r\n\r\ncaf\xe9\r\n',
    key: 'BODY',
    text: 'café',
    ours: true,
  },
  {
    what: 'the last letter in windows-1255',
    reason: 'it is there; Dovecot does not flush the converter',
    message: 'Subject: =?windows-1255?B?9OLp+eQ=?=\r\n\r\n',
    key: 'SUBJECT',
    text: 'פגישה',
    ours: true,
  },
  {
    what: 'the header of an attached message',
    reason: 'RFC 9051 §6.4.4: BODY is the body of the message, and that header is in it',
    message: ATTACHED,
    key: 'BODY',
    text: 'inside',
    ours: true,
  },
  {
    what: 'TEXT over the fold of a header, indented',
    reason: 'RFC 5322 §2.2.3: a fold stands for white space; that is one space to us in TEXT as it is in SUBJECT',
    message: 'Subject: one\r\n  two\r\n\r\n',
    key: 'TEXT',
    text: 'one two',
    ours: true,
  },
  ...['', 'x y', 'base64; x', '"base64"'].map(
    (encoding): SearchDifference => ({
      what: `the transfer encoding "${encoding}"`,
      reason: UNREADABLE,
      message: `MIME-Version: 1.0\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\nhello\r\n`,
      key: 'BODY',
      text: 'hello',
      ours: true,
    }),
  ),
  {
    what: 'base64 that goes on after its padding',
    reason: 'RFC 2045 §6.8 does not say what follows "="; two encoded one after another lose nothing',
    message: 'MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\nd29ybGQ=\r\n',
    key: 'BODY',
    text: 'world',
    ours: true,
  },
  {
    what: 'a type that is no type',
    reason: 'RFC 2045 §5.2: it is text/plain',
    message: 'Content-Type: foo\r\n\r\nhello\r\n',
    key: 'BODY',
    text: 'hello',
    ours: true,
  },
  {
    what: 'a multipart without a boundary',
    reason: 'as above, and its text can be read',
    message: 'Content-Type: multipart/mixed\r\n\r\nhello\r\n',
    key: 'BODY',
    text: 'hello',
    ours: true,
  },
  {
    what: 'white space at the end of a quoted-printable line',
    reason:
      'RFC 2045 §6.7 (3) removes it as padding of relays, which nobody does any more; nothing is found for lack of it',
    message: 'MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nhello  \r\nworld\r\n',
    key: 'BODY',
    text: 'hello  ',
    ours: true,
  },
  {
    what: 'an address that cannot be read',
    reason: 'what is written there is looked for, not what was made of it',
    message: 'From: ;\r\n\r\n',
    key: 'FROM',
    text: 'MISSING_DOMAIN',
    ours: false,
  },
  {
    what: 'a message without a date',
    reason: 'RFC 5256 §2.2: the internal date stands for it, as in sorting; Dovecot takes 1970',
    message: 'Subject: x\r\n\r\n',
    key: 'SENTSINCE 1-Jan-2001',
    ours: true,
  },
  {
    what: 'a date that cannot be read',
    reason: 'as above',
    message: 'Date: garbage\r\n\r\n',
    key: 'SENTBEFORE 1-Jan-2001',
    ours: false,
  },
];
