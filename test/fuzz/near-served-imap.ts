import type { Random } from './random.ts';

const NAMES = 'INBOX|INBOX|inbox|Sent|a|a/b|a/b/c|&AOQ-|"x y"|none|level|level/c'.split('|');
const ODD_NAMES = '&|""|/|a//b|"\xc3\xa4"|"\xff"|*|a%|"a\\"b"|&AAA-|&2AA-|NIL|~|.|..'.split('|');
const SETS = '1|1:*|*|2,1|1:3,2|*:1|2:*|4294967295|1:4294967295|1,1,1,1'.split('|');
const ODD_SETS = '0|-1|1:|:1|1,,2|4294967296|99999999999999999999|$|1:*:2|a|**'.split('|');
const FLAGS = '\\Seen|\\deleted|\\Answered|\\Flagged|\\Draft|work|$Forwarded|WORK|k1|k2|k3'.split('|');
const ODD_FLAGS = ['\\Recent', '\\*', '\\Xyzzy', '\\', '(', 'a]', 'k'.repeat(300), '{3}', '"x"', ''];
const ITEMS = [
  ...'FLAGS|UID|INTERNALDATE|RFC822.SIZE|ENVELOPE|BODY|BODYSTRUCTURE|MODSEQ|ALL|FAST|FULL|RFC822|RFC822.HEADER'.split(
    '|',
  ),
  ...'RFC822.TEXT|BODY[]|BODY.PEEK[]|BODY[HEADER]|BODY[TEXT]<0.10>|BODY[1]|BODY[1.MIME]|BODY[2.1.HEADER]'.split('|'),
  ...'BODY[HEADER.FIELDS (Subject From)]|BODY.PEEK[HEADER.FIELDS.NOT ("To")]<3.5>'.split('|'),
];
const ODD_ITEMS = [
  ...'XYZZY|BODY[|BODY[0]|BODY[1.]|BODY[MIME]|BODY[]<0>|BODY[]<0.0>|BODY[]<5.99999999999>|BODY.PEEK'.split('|'),
  ...'BODY[HEADER.FIELDS ()]|BODY[HEADER.FIELDS (\r\n)]|BODY[99999999999]|BODY[]<-1.5>'.split('|'),
  `BODY[${'1.'.repeat(2000)}1]`,
];
const DATES = '1-Feb-1994|"01-Feb-1994"|31-Dec-9999|29-Feb-2024'.split('|');
const ODD_DATES = '30-Feb-2024|1-1-1994|""|00-Jan-2020|1-Feb-94'.split('|');
const DATE_TIMES = ' 1-Jan-2020 00:00:00 +0000|31-Dec-2020 23:59:59 -1200|30-Feb-2020 00:00:00 +0000|'.split('|');
const COMMANDS = [
  ...'SELECT|SELECT|EXAMINE|CREATE|DELETE|RENAME|SUBSCRIBE|UNSUBSCRIBE|LIST|LSUB|STATUS|APPEND|APPEND|CHECK'.split('|'),
  ...'CLOSE|UNSELECT|EXPUNGE|SEARCH|SEARCH|FETCH|FETCH|FETCH|STORE|STORE|COPY|MOVE|NOOP|IDLE|ENABLE|NAMESPACE'.split(
    '|',
  ),
  ...'UID FETCH|UID STORE|UID SEARCH|UID COPY|UID MOVE|UID EXPUNGE|CAPABILITY|ID|noop|uId fEtCh'.split('|'),
];
const ENDINGS = 'LOGIN|AUTHENTICATE PLAIN|STARTTLS|UID|LOGOUT|LOGOUT|XYZZY|__proto__'.split('|');

/** What accounts begin with, so that commands find something. */
export const LETTER = [
  ...['From: a@b', 'Subject: =?utf-8?q?x?=', 'Content-Type: multipart/mixed; boundary=x', ''],
  ...['--x', '', 'hi', '--x', 'Content-Type: message/rfc822', '', 'To: c@d', '', 'there', '--x--', ''],
].join('\r\n');

/** What a logged-in client might send that has IMAP in mind and much against it; more of it right than `nearImap`. */
export function nearServedImap(random: Random): string {
  let stream = random.oneIn(6) ? '' : `s0 ${random.pick(['SELECT INBOX', 'SELECT a', 'EXAMINE INBOX'])}\r\n`;
  for (let left = 1 + random.below(12); left > 0; left -= 1) stream += commandLine(random);
  return stream;
}

function commandLine(random: Random): string {
  const command = random.oneIn(60) ? random.pick(ENDINGS) : random.pick(COMMANDS);
  const line = `t${random.below(1000)} ${command}${argumentsOf(random, command)}${random.oneIn(30) ? ' ' : ''}\r\n`;
  if (command === 'IDLE' && !random.oneIn(20)) return `${line}${random.oneIn(10) ? 'dome' : 'DONE'}\r\n`;
  return random.oneIn(12) ? damaged(random, line) : line;
}

function argumentsOf(random: Random, command: string): string {
  const name = () => ` ${mailbox(random)}`;
  switch (command.toUpperCase()) {
    case 'SELECT':
    case 'EXAMINE':
      return name() + (random.oneIn(6) ? ' (CONDSTORE)' : '');
    case 'CREATE':
      return name() + (random.oneIn(5) ? ` (USE (${random.pick(['\\Sent', '\\Trash', '\\All', 'x', ''])}))` : '');
    case 'DELETE':
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE':
      return name();
    case 'RENAME':
      return name() + name();
    case 'LIST':
    case 'LSUB':
      return list(random);
    case 'STATUS':
      return `${name()} (${some(random, ['MESSAGES', 'UIDNEXT', 'RECENT', 'UNSEEN', 'HIGHESTMODSEQ', 'UIDVALIDITY'], ['SIZE', 'X', ''])})`;
    case 'APPEND':
      return append(random);
    case 'ENABLE':
      return ` ${some(random, ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT'], ['', '('])}`;
    case 'SEARCH':
    case 'UID SEARCH':
      return `${random.oneIn(6) ? ` CHARSET ${random.pick(['UTF-8', 'us-ascii', 'ISO-8859-1', 'koi8-r', 'X', '""'])}` : ''} ${keys(random, 0)}`;
    case 'FETCH':
    case 'UID FETCH':
      return ` ${set(random)} ${random.oneIn(3) ? fetchItem(random) : `(${some(random, ITEMS, ODD_ITEMS)})`}${random.oneIn(8) ? ` (CHANGEDSINCE ${number(random)})` : ''}`;
    case 'STORE':
    case 'UID STORE':
      return ` ${set(random)} ${random.oneIn(8) ? `(UNCHANGEDSINCE ${number(random)}) ` : ''}${random.pick(['FLAGS', '+FLAGS', '-FLAGS', '+flags.silent', 'FLAGS.SILENT'])} ${random.oneIn(3) ? flag(random) : `(${some(random, FLAGS, ODD_FLAGS)})`}`;
    case 'COPY':
    case 'MOVE':
    case 'UID COPY':
    case 'UID MOVE':
      return ` ${set(random)}${name()}`;
    case 'UID EXPUNGE':
      return ` ${set(random)}`;
    case 'ID':
      return random.pick([' NIL', ' ("name" "x")', ' ("name")', '']);
    case 'LOGIN':
      return ' a b';
    default:
      return '';
  }
}

function list(random: Random): string {
  const options = random.oneIn(5) ? ` (${random.pick(['SPECIAL-USE', '', 'REMOTE'])})` : '';
  const reference = random.pick(['""', '""', 'a/', 'level', '"&"']);
  const one = () =>
    random.pick(['*', '%', '""', 'INBOX', 'a*b', '%/%', '"*"', '*%'.repeat(random.below(500)), '{1+}\r\n*', '&']);
  const pattern = random.oneIn(6) ? `(${one()} ${one()})` : one();
  return `${options} ${reference} ${pattern}${random.oneIn(6) ? ` RETURN (${random.pick(['CHILDREN', 'SPECIAL-USE', 'X'])})` : ''}`;
}

function append(random: Random): string {
  const flags = random.oneIn(3) ? ` (${some(random, FLAGS, ODD_FLAGS)})` : '';
  const date = random.oneIn(4) ? ` "${random.pick(DATE_TIMES)}"` : '';
  const letter = random.oneIn(3) ? random.bytes(random.below(300)) : LETTER;
  const announced = random.oneIn(8) ? random.pick([0, 1, letter.length + 1, 10_001, 2 ** 31, 2 ** 53]) : letter.length;
  return ` ${mailbox(random)}${flags}${date} ${random.oneIn(9) ? '~' : ''}{${announced}${random.oneIn(3) ? '' : '+'}}\r\n${letter}${random.oneIn(15) ? ' {3+}\r\nabc' : ''}`;
}

function keys(random: Random, depth: number): string {
  return Array.from({ length: 1 + random.below(3) }, () => key(random, depth)).join(' ');
}

function key(random: Random, depth: number): string {
  if (depth > 4) return 'ALL';
  if (random.oneIn(200)) return `${'NOT '.repeat(random.below(3000))}ALL`;
  if (random.oneIn(200)) return `${'('.repeat(random.below(3000))}ALL`;
  const text = () => random.pick(['a', '"b c"', '""', '{1+}\r\n\xe4', '{2+}\r\n\xc3\xa4', '"\xff"', 'hi']);
  switch (random.below(9)) {
    case 0:
      return `OR ${key(random, depth + 1)} ${key(random, depth + 1)}`;
    case 1:
      return `NOT ${key(random, depth + 1)}`;
    case 2:
      return `(${keys(random, depth + 1)})`;
    case 3:
      return random.pick('ALL|SEEN|UNSEEN|NEW|OLD|RECENT|DELETED|DRAFT|UNKEYWORD work|KEYWORD k1'.split('|'));
    case 4:
      return `${random.pick(['SUBJECT', 'FROM', 'TO', 'CC', 'BCC', 'BODY', 'TEXT', 'HEADER Subject', 'HEADER ""'])} ${text()}`;
    case 5:
      return `${random.pick(['BEFORE', 'ON', 'SINCE', 'SENTBEFORE', 'SENTON', 'SENTSINCE'])} ${random.pick(random.oneIn(6) ? ODD_DATES : DATES)}`;
    case 6:
      return `${random.pick(['LARGER', 'SMALLER', 'MODSEQ', 'MODSEQ "/flags/\\\\Seen" all'])} ${number(random)}`;
    case 7:
      return `UID ${set(random)}`;
    default:
      return set(random);
  }
}

function mailbox(random: Random): string {
  const name = random.pick(random.oneIn(12) ? ODD_NAMES : NAMES);
  return random.oneIn(15) ? `{${name.length}${random.oneIn(3) ? '' : '+'}}\r\n${name}` : name;
}

function set(random: Random): string {
  return random.pick(random.oneIn(10) ? ODD_SETS : SETS);
}

function flag(random: Random): string {
  return random.pick(random.oneIn(10) ? ODD_FLAGS : FLAGS);
}

function fetchItem(random: Random): string {
  return random.pick(random.oneIn(8) ? ODD_ITEMS : ITEMS);
}

function number(random: Random): string {
  return random.pick(['0', '1', '1000', '9007199254740993', '9223372036854775807', '9223372036854775808', '-1', 'x']);
}

function some(random: Random, good: readonly string[], odd: readonly string[]): string {
  return Array.from({ length: random.below(4) }, () => random.pick(random.oneIn(15) ? odd : good)).join(' ');
}

function damaged(random: Random, line: string): string {
  const at = random.below(line.length + 1);
  const to = Math.min(line.length, at + random.below(12));
  switch (random.below(4)) {
    case 0:
      return line.slice(0, at) + line.slice(to);
    case 1:
      return line.slice(0, to) + line.slice(at);
    case 2:
      return line.slice(0, at) + random.bytes(1 + random.below(3)) + line.slice(at);
    default:
      return line.slice(0, at) + random.pick(['\r\n', '\0', '{5}\r\n', '"', '\\', '(', ')', ' ']) + line.slice(at);
  }
}
