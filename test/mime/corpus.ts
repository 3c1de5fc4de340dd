import { Random } from '../fuzz/random.ts';

/** Values that fields have in real and in hostile mail. */
const ADDRESSES = [
  'a@example.org',
  'Alice Example <alice@example.org>',
  '"Example, Alice" <alice@example.org>',
  '"Al \\"the\\" ice" <alice@example.org>',
  '=?utf-8?q?M=C3=BCller?= <m@example.org>',
  'M\xc3\xbcller <m@example.org>',
  'alice@example.org (Alice Example)',
  'alice (comment) @ (other) example.org',
  '<alice@example.org>',
  '<@relay.example,@second.example:alice@example.org>',
  'Route <@relay.example:alice@example.org>',
  'Friends: a@example.org, Bob <b@example.org>;',
  'undisclosed-recipients:;',
  'Empty: ;',
  '"quoted local"@example.org',
  'a.b.c@example.org',
  'alice@[127.0.0.1]',
  'J. Random Hacker <j@example.org>',
  '"" <empty@example.org>',
  '   spaced   name   <s@example.org>',
  '(leading) name <l@example.org>',
  'Folded\r\n Name <f@example.org>',
  'Tab\tName <t@example.org>',
  'nested@example.org (outer (inner) (more) text)',
  "o'brien@example.org",
  'Very "mixed quoted" words <v@example.org>',
];
const BROKEN_ADDRESSES = [
  'alice',
  'alice bob',
  '<>',
  'alice@',
  '@example.org',
  '<alice@example.org',
  'Alice <alice@example.org',
  'Alice alice@example.org>',
  '"unclosed <u@example.org>',
  'a@b@c',
  'alice@example.org bob@example.org',
  'a..b@example.org',
  '.a@example.org',
  'a.@example.org',
  'Name <a@b> trailing',
  ',,',
  'Group: a@b',
  ';',
  'x:y:z@q;',
  '(unclosed',
  '<@relay.example alice@example.org>',
  '<@:a@b>',
  'name <not an address>',
  'a@b, ,c@d',
  '\\',
  'a <b@c>, "',
  'a [b] <c@d>',
  'nul\0name <n@example.org>',
  '   ',
  'a@[127.0.0.1',
  '<"a"@b>',
  '"a" b@c',
  'a@b.',
  'x <a.b.@c>',
];
const TEXTS = [
  'Hello',
  '',
  ' leading and trailing ',
  '=?utf-8?b?w7xtbGF1dA==?= text',
  'folded\r\n over\r\n\tlines',
  '\r\n folded at once',
  '"quoted" and \\back',
  '8-bit \xe4\xf6\xfc',
  'with (comment)',
  'x'.repeat(1200),
  'tab\there',
  'nul\0here',
];
const DATES = ['Mon, 2 Nov 2026 10:00:00 +0100', 'Mon,  2 Nov 2026\r\n 10:00:00 +0100 (CET)', 'garbage', ''];
const IDS = ['<a@b>', 'no-brackets', '<a@b> <c@d>', '<a@b>\r\n <c@d>', '<with "quote">', ''];
const TYPES = [
  'text/plain',
  'text/plain; charset=utf-8',
  'TEXT/HTML; Charset="ISO-8859-1"',
  'text/plain; charset=utf-8; format=flowed; delsp=yes',
  'application/octet-stream; name="a b.bin"',
  "application/pdf; name*=utf-8''na%C3%AFve.pdf",
  'application/pdf; name*0="one"; name*1="two"',
  'application/pdf; name*0*=utf-8\'\'one%20; name*1="two-three"; name*2*=four',
  'application/pdf; name*1="gap"; name*3="more"',
  'application/pdf; name*2="c"; name*0="a"; name*1="b"',
  'image/png; name=a=b',
  'image/png; name="esc\\"aped"',
  'image/png; name==?utf-8?q?n=C3=A4me?=',
  'image/png;\r\n\tname="folded\r\n name"',
  'image/png; name="a"; name="b"; size=12;',
  'image/png (comment); (c) name (c) = (c) x (c)',
  'message/rfc822',
  'message/delivery-status',
  'message/partial; id=x; number=1',
  'message/external-body; access-type=URL',
];
const BROKEN_TYPES = [
  'text/plain; charset',
  'text/plain; =x; charset=y',
  'text/plain; charset="unclosed',
  'image/png; name=',
  'image/png; name=""',
  'image/png; name*=x; name=y',
  'image/png; name*x=1; name**=2; *=3',
  'text/pl\xe4in',
  'image/png; na me=x; other=y',
];
const ENCODINGS = ['7bit', 'base64', 'quoted-printable', '8BIT', '"base64"', 'base64 (really)', 'base64; x', '', 'x y'];
const DISPOSITIONS = [
  'inline',
  'attachment; filename="a.txt"',
  "attachment; filename*0*=iso-8859-1''a%20; filename*1=b",
  'ATTACHMENT; size=12; filename=b',
  '',
  'attachment filename=x',
  '; filename=x',
  '"attachment"',
];
const LANGUAGES = ['en', 'en, de-CH', 'en,', ', en', '', 'en de', '"en"', 'en (English), fr'];
const LOCATIONS = ['http://example.org/a', 'folded\r\n /place', '', '"quoted"'];
const MULTIPARTS = [
  'mixed',
  'alternative',
  'related',
  'digest',
  'report; report-type=delivery-status',
  'MIXED',
  'x-own',
];
const BOUNDARIES = ['b', 'bb', 'b-', 'b--', 'a b', "(+_,./:='?)", '=_x', 'c', 'x'.repeat(69), 'x'.repeat(70)];
const LINES = [
  'text',
  '',
  '--',
  '--b',
  '--other',
  ' --b',
  '-',
  '---b',
  '\xff\xfe',
  'a\rb',
  '.',
  'x'.repeat(2000),
  'nul\0',
];

/** A message that is the same for the same seed: the more odd, the higher `oddity` (0 to 10). */
export function madeUpMessage(seed: number, oddity: number): Buffer {
  const maker = new MessageMaker(new Random(seed), oddity);
  return Buffer.from(maker.message(0), 'latin1');
}

class MessageMaker {
  readonly #random: Random;
  readonly #oddity: number;
  readonly #lineEnds: 'crlf' | 'lf' | 'mixed';
  readonly #open: string[] = [];

  constructor(random: Random, oddity: number) {
    this.#random = random;
    this.#oddity = oddity;
    this.#lineEnds = this.#odd() ? random.pick(['lf', 'mixed'] as const) : 'crlf';
  }

  message(depth: number): string {
    const random = this.#random;
    const fields: string[] = [];
    for (const name of ['From', 'To', 'Cc', 'Bcc', 'Sender', 'Reply-To']) {
      if (random.oneIn(3)) continue;
      const repeats = this.#odd() ? 2 : 1;
      for (let time = 0; time < repeats; time += 1) fields.push(this.#field(name, this.#addresses()));
    }
    for (const [name, values] of [
      ['Subject', TEXTS],
      ['Date', DATES],
      ['Message-ID', IDS],
      ['In-Reply-To', IDS],
      ['X-Other', TEXTS],
    ] as const) {
      const repeats = this.#odd() ? 2 : 1;
      for (let time = 0; time < repeats; time += 1)
        if (!random.oneIn(4)) fields.push(this.#field(name, random.pick(values)));
    }
    if (this.#odd())
      fields.push(random.pick(['no colon here\r\n', ': no name\r\n', ' starts folded\r\n', 'Spaced : x\r\n']));
    const mime = this.#odd() ? random.oneIn(2) : true;
    return this.#entity(mime ? ['MIME-Version: 1.0\r\n', ...fields] : fields, depth, true);
  }

  #entity(fields: string[], depth: number, isMessage = false): string {
    const random = this.#random;
    const kind = depth > 4 ? 3 : random.below(6);
    if (kind === 0) return this.#multipart(fields, depth, isMessage);
    if (kind === 1) return this.#nested(fields, depth);
    if (kind === 2 && depth === 0) return this.#multipart(fields, depth, isMessage);
    const type = this.#odd()
      ? random.pick(BROKEN_TYPES)
      : random.pick(TYPES.filter(value => value !== 'message/rfc822'));
    if (!random.oneIn(4)) fields.push(this.#field('Content-Type', type));
    this.#contentFields(fields);
    return this.#header(fields, isMessage) + this.#text();
  }

  #multipart(fields: string[], depth: number, isMessage: boolean): string {
    const random = this.#random;
    const boundary = this.#odd() ? random.pick([...BOUNDARIES, ...this.#open]) : `=_${depth}.${random.below(1e6)}`;
    const subtype = random.pick(this.#oddity > 0 ? MULTIPARTS : MULTIPARTS.slice(0, 6));
    fields.push(this.#field('Content-Type', `multipart/${subtype}; boundary="${boundary}"`));
    this.#contentFields(fields);
    this.#open.push(boundary);
    const parts: string[] = [];
    const count = this.#odd() ? random.below(3) : 1 + random.below(4);
    for (let part = 0; part < count; part += 1) {
      const tail = this.#odd() ? random.pick([' ', '\t ', 'x', '-', '--x']) : '';
      parts.push(`--${boundary}${tail}${this.#eol()}${this.#part(depth + 1)}${this.#odd() ? '' : this.#eol()}`);
    }
    this.#open.pop();
    const preamble = random.oneIn(3) ? `preamble${this.#eol()}${this.#eol()}` : '';
    const end = !isMessage && this.#odd() ? random.pick(['', `--${boundary}`, `--${boundary}-`]) : `--${boundary}--`;
    const epilogue = random.oneIn(3) ? `${this.#eol()}epilogue${this.#eol()}` : this.#eol();
    return this.#header(fields, isMessage) + preamble + parts.join('') + end + epilogue;
  }

  #part(depth: number): string {
    if (this.#odd() && this.#random.oneIn(3)) return this.#random.pick(['', this.#eol(), 'Content-Type: text/html']);
    return this.#entity([], depth);
  }

  #nested(fields: string[], depth: number): string {
    fields.push(this.#field('Content-Type', this.#odd() ? 'MESSAGE/RFC822; x=y' : 'message/rfc822'));
    this.#contentFields(fields);
    return this.#header(fields, true) + this.message(depth + 1);
  }

  #contentFields(fields: string[]): void {
    const random = this.#random;
    for (const [name, values] of [
      ['Content-Transfer-Encoding', ENCODINGS],
      ['Content-Disposition', DISPOSITIONS],
      ['Content-Language', LANGUAGES],
      ['Content-Location', LOCATIONS],
      ['Content-ID', IDS],
      ['Content-Description', TEXTS],
      ['Content-MD5', ['Q2hlY2sgSW50ZWdyaXR5IQ==', '']],
    ] as const) {
      if (random.oneIn(4)) fields.push(this.#field(name, random.pick(this.#oddity > 0 ? values : values.slice(0, 2))));
      if (this.#odd() && name !== 'Content-Disposition') fields.push(this.#field(name, random.pick(values)));
    }
  }

  #addresses(): string {
    const random = this.#random;
    const known = () => (this.#odd() ? random.pick(BROKEN_ADDRESSES) : random.pick(ADDRESSES));
    return Array.from({ length: 1 + random.below(3) }, known).join(random.pick([', ', ',', ',\r\n ']));
  }

  #field(name: string, value: string): string {
    const random = this.#random;
    const written = this.#odd() ? random.pick([name.toUpperCase(), name.toLowerCase(), `${name} `]) : name;
    return `${written}:${this.#odd() ? random.pick(/^\s*$|^\r/.test(value) ? [' '] : ['', '  ', '\t', '\r\n ']) : ' '}${value}\r\n`;
  }

  #header(fields: readonly string[], isMessage: boolean): string {
    const end = !isMessage && this.#odd() && this.#random.oneIn(4) ? '' : '\r\n';
    return [...fields, end].join('').replaceAll('\r\n', () => this.#eol());
  }

  #text(): string {
    const random = this.#random;
    const lines = Array.from({ length: random.below(6) }, () =>
      random.pick(this.#oddity > 0 ? LINES : LINES.slice(0, 3)),
    );
    return lines.map(line => line + this.#eol()).join('') + (random.oneIn(3) ? 'last' : '');
  }

  #eol(): string {
    if (this.#lineEnds === 'mixed') return this.#random.oneIn(2) ? '\n' : '\r\n';
    return this.#lineEnds === 'lf' ? '\n' : '\r\n';
  }

  #odd(): boolean {
    return this.#random.below(60) < this.#oddity;
  }
}
