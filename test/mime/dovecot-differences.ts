export interface Difference {
  readonly what: string;
  /** Why ours is right, or at least allowed. */
  readonly reason: string;
  readonly message: string;
  readonly item: 'ENVELOPE' | 'BODYSTRUCTURE';
  readonly ours: string;
  readonly dovecot: string;
}

const TEXT = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1 NIL NIL NIL NIL)';
const UNNAMED = '("" "" NIL NIL NIL "7bit" 3 NIL NIL NIL NIL)';
const NO_ENVELOPE = '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)';
const EMPTY = TEXT.replace('3 1', '0 0');
const to = (list: string) => `(NIL NIL NIL NIL NIL ${list} NIL NIL NIL NIL)`;

const digest = (size: string, lines: string) =>
  `(("message" "rfc822" NIL NIL NIL "7bit" ${size} ${NO_ENVELOPE} ${EMPTY} ${lines} NIL NIL NIL NIL) "digest" ("boundary" "b") NIL NIL NIL)`;

/**
 * Everything in which our ENVELOPE and BODYSTRUCTURE are known to differ from those of Dovecot 2.3.19. Strings are compared by what
 * they say, whether quoted or literal (RFC 9051 §4.3), without white space at their ends.
 */
export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'space around the dots of an address',
    reason: 'RFC 5322 §4.4: obs-local-part and obs-domain allow it',
    message: 'To: a . b@example . org\r\n\r\n',
    item: 'ENVELOPE',
    ours: to('((NIL NIL "a.b" "example.org"))'),
    dovecot: to('(("a. b" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'),
  },
  {
    what: 'a comment that does not end',
    reason: 'RFC 5322 §3.2.2: it is no comment, so it names nobody',
    message: 'To: a@b (x,\r\n y\r\n\r\n',
    item: 'ENVELOPE',
    ours: to('((NIL NIL "a" "MISSING_DOMAIN"))'),
    dovecot: to('(("x," NIL "a" "MISSING_DOMAIN"))'),
  },
  {
    what: 'a quoted string that does not end, folded, after a word',
    reason: 'RFC 5322 §3.2.4: it is no quoted string, so the word is all there is',
    message: 'To: x "y\r\n z <a@b>\r\n\r\n',
    item: 'ENVELOPE',
    ours: to('((NIL NIL "x" "MISSING_DOMAIN"))'),
    dovecot: to('(("x y" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))'),
  },
  {
    what: 'a comma at the end of a group',
    reason: 'RFC 5322 §4.4: obs-mbox-list allows that nothing follows',
    message: 'To: Group: a@b,;\r\n\r\n',
    item: 'ENVELOPE',
    ours: to('((NIL NIL "Group" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL))'),
    dovecot: to(
      '((NIL NIL "Group" NIL)(NIL NIL "a" "b")(NIL NIL "MISSING_MAILBOX" "MISSING_DOMAIN")(NIL NIL NIL NIL))',
    ),
  },
  {
    what: 'a type with garbage behind it',
    reason: 'RFC 2045 §5.1: type and subtype can be read, and "" is neither',
    message: 'Content-Type: text/html--=x\r\n\r\na\r\n',
    item: 'BODYSTRUCTURE',
    ours: TEXT.replace('"plain"', '"html--"'),
    dovecot: UNNAMED,
  },
  ...Object.entries({
    text: TEXT.replace('"plain"', '""'),
    'text/': UNNAMED,
    '/plain': UNNAMED,
    'plain text': UNNAMED,
    'text/plain charset=utf-8': UNNAMED,
    multipart: UNNAMED.replace('"" ""', '"application" "octet-stream"'),
    'multipart/': UNNAMED,
  }).map(
    ([type, dovecot]): Difference => ({
      what: `the type "${type}", which is wrong`,
      reason: 'RFC 2045 §5.2: what cannot be read is text/plain; us-ascii',
      message: `Content-Type: ${type}\r\n\r\na\r\n`,
      item: 'BODYSTRUCTURE',
      ours: TEXT,
      dovecot,
    }),
  ),
  {
    what: 'a multipart without a boundary',
    reason: 'RFC 2045 §5.2: as above, for the boundary is required (RFC 2046 §5.1.1), and its text can be read',
    message: 'Content-Type: multipart/mixed\r\n\r\na\r\n',
    item: 'BODYSTRUCTURE',
    ours: TEXT,
    dovecot: `(${EMPTY} "mixed" NIL NIL NIL NIL)`,
  },
  {
    what: 'message/global',
    reason: 'RFC 9051 §7.5.2: has an envelope and a structure as message/rfc822',
    message: 'Content-Type: message/global\r\n\r\na:\r\n',
    item: 'BODYSTRUCTURE',
    ours: `("message" "global" NIL NIL NIL "7bit" 4 ${NO_ENVELOPE} ${EMPTY} 1 NIL NIL NIL NIL)`,
    dovecot: '("message" "global" NIL NIL NIL "7bit" 4 NIL NIL NIL NIL)',
  },
  {
    what: 'an empty parameter',
    reason: 'RFC 2045 §5.1 has none, and skipping it loses nothing',
    message: 'Content-Type: text/plain;; charset=x\r\n\r\na\r\n',
    item: 'BODYSTRUCTURE',
    ours: TEXT.replace('us-ascii', 'x'),
    dovecot: TEXT,
  },
  {
    what: 'a space in a plain piece of an encoded parameter',
    reason: 'RFC 2231 §7: a space is no attribute-char and must be encoded',
    message: 'Content-Type: image/png; name*0*=\'\'a; name*1="b c"\r\n\r\na\r\n',
    item: 'BODYSTRUCTURE',
    ours: `("image" "png" ("name*" "''ab%20c") NIL NIL "7bit" 3 NIL NIL NIL NIL)`,
    dovecot: `("image" "png" ("name*" "''ab c") NIL NIL "7bit" 3 NIL NIL NIL NIL)`,
  },
  {
    what: 'a line end before a delimiter, right after the header of a message',
    reason: 'RFC 2046 §5.1.1: it belongs to the delimiter, not to the part before',
    message: 'Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\na\r\n--b--\r\n',
    item: 'BODYSTRUCTURE',
    ours: digest('1', '0'),
    dovecot: digest('3', '1'),
  },
];
