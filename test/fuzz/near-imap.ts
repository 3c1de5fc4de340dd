import type { Random } from './random.ts';

const TAGS = [
  'a',
  'a1',
  'A0001',
  '!',
  'x.y',
  '*',
  '+',
  'a+b',
  '',
  '"q"',
  '(',
  '{3}',
  '{2+}\r\nab',
  '\xff',
  '\0',
  'NOOP',
];
const COMMANDS = [
  ...['CAPABILITY', 'NOOP', 'LOGOUT', 'STARTTLS', 'ID', 'LOGIN', 'LOGIN', 'LOGIN', 'AUTHENTICATE', 'AUTHENTICATE'],
  ...['SELECT', 'EXAMINE', 'LIST', 'APPEND', 'FETCH', 'UID FETCH', 'STORE', 'SEARCH', 'IDLE', 'DONE', 'ENABLE'],
  ...['COMPRESS DEFLATE', 'UNAUTHENTICATE', 'XYZZY', '', ' ', '__proto__', 'login', 'iD', 'GET', 'EHLO', 'PROXY TCP4'],
];
const ATOMS = ['alice', 'INBOX', 'NIL', 'nil', '*', '%', '\\Seen', '1:*', '0', '99999999999999999999', 'BODY[]<0.10>'];
const MECHANISMS = ['PLAIN', 'LOGIN', 'plain', 'SCRAM-SHA-256', 'GSSAPI', 'EXTERNAL', '', '"PLAIN"', '{5+}\r\nPLAIN'];
const ENDS = [
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\r\n',
  '\n',
  '\r',
  '\r\r\n',
  '\n\r',
  ' \r\n',
  '\0\r\n',
  '',
];

/**
 * What a client might send that has IMAP in mind and much against it: commands with right and wrong arguments, literals that are
 * longer or shorter than announced, and damage. Text in which a character is a byte.
 */
export function nearImap(random: Random): string {
  let stream = '';
  for (let left = 1 + random.below(8); left > 0; left -= 1) stream += commandLine(random);
  for (let left = random.oneIn(3) ? random.below(4) : 0; left > 0; left -= 1) stream = damage(random, stream);
  return stream;
}

function commandLine(random: Random): string {
  if (random.oneIn(40)) return random.bytes(random.below(200));
  const tag = random.oneIn(6) ? random.pick(TAGS) : `t${random.below(1000)}`;
  const command = random.pick(COMMANDS);
  const gap = random.oneIn(20) ? random.pick(['', '  ', '\t']) : ' ';
  return `${tag}${gap}${command}${argumentsOf(random, command)}${random.pick(ENDS)}`;
}

function argumentsOf(random: Random, command: string): string {
  switch (random.oneIn(5) ? '' : command.toUpperCase()) {
    case 'LOGIN':
      return ` ${string(random)} ${string(random)}`;
    case 'AUTHENTICATE':
      return ` ${random.pick(MECHANISMS)}${random.oneIn(2) ? ` ${response(random)}` : `\r\n${response(random)}`}`;
    case 'ID':
      return ` (${Array.from({ length: random.below(40) }, () => string(random)).join(' ')})`;
    case 'NOOP':
    case 'CAPABILITY':
    case 'LOGOUT':
    case 'STARTTLS':
      return '';
    default:
      return Array.from({ length: random.below(4) }, () => ` ${argument(random, 0)}`).join('');
  }
}

function argument(random: Random, depth: number): string {
  if (depth < 6 && random.oneIn(4)) {
    const items = Array.from({ length: random.below(4) }, () => argument(random, depth + 1)).join(' ');
    return random.oneIn(8) ? `(${items}` : `(${items})`;
  }
  if (random.oneIn(60)) return '('.repeat(random.below(5000));
  return string(random);
}

function string(random: Random): string {
  switch (random.below(8)) {
    case 0:
      return random.pick(ATOMS);
    case 1:
      return `"${random.pick(ATOMS).replace(/["\\]/g, '\\$&')}"`;
    case 2:
      return `"${random.bytes(random.below(20))}"`;
    case 3:
      return random.bytes(random.below(12));
    case 4:
    case 5:
      return literal(random);
    case 6:
      return random.pick(['secret', 'wrong', '""', '"']);
    default:
      return 'x'.repeat(random.below(random.oneIn(50) ? 70_000 : 60));
  }
}

function literal(random: Random): string {
  const content = random.oneIn(3) ? random.bytes(random.below(40)) : 'alice';
  const announced = random.oneIn(5)
    ? random.pick([0, 1, content.length + 1, 8193, 100_000, 1_048_577, 2 ** 31, 2 ** 32, 2 ** 53, 999_999_999_999_999])
    : content.length;
  const before = random.oneIn(15) ? '~' : '';
  const size = random.oneIn(25) ? random.pick(['', '-1', '1.5', '0x10', ' 5', '5++', '1e3']) : String(announced);
  return `${before}{${size}${random.oneIn(3) ? '' : '+'}}${random.oneIn(20) ? '' : '\r\n'}${content}`;
}

function response(random: Random): string {
  const plain = `\0${random.pick(['alice', 'bob', '', 'a\0b'])}\0${random.pick(['secret', 'wrong', '', '\xff'])}`;
  const encoded = Buffer.from(random.oneIn(4) ? random.bytes(random.below(60)) : plain, 'latin1').toString('base64');
  return random.oneIn(3) ? random.pick(['=', '*', '', '====', '{5}', `${encoded}=`, encoded.slice(1), '!']) : encoded;
}

function damage(random: Random, stream: string): string {
  const at = random.below(stream.length + 1);
  const to = Math.min(stream.length, at + random.below(20));
  switch (random.below(6)) {
    case 0:
      return stream.slice(0, at) + stream.slice(to);
    case 1:
      return stream.slice(0, to) + stream.slice(at);
    case 2:
      return stream.slice(0, at) + random.bytes(1 + random.below(3)) + stream.slice(at);
    case 3:
      return stream.slice(0, at) + random.bytes(1) + stream.slice(at + 1);
    case 4:
      return stream.slice(0, at);
    default:
      return stream.slice(0, at) + random.pick(['\r\n', '\0', '{5}\r\n', '"', '\\', '(', ')', ' ']) + stream.slice(at);
  }
}
