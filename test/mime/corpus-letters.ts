import iconv from 'iconv-lite';
import { Random } from '../fuzz/random.ts';

/** Words of a language, and charsets they are written in. */
interface Tongue {
  readonly words: readonly string[];
  readonly charsets: readonly string[];
}

export const TONGUES: readonly Tongue[] = [
  {
    words: ['meeting', 'Report', 'budget', 'INVOICE', 'shipping', 'Quarterly', 'lunch', 'deadline', 'agenda'],
    charsets: ['us-ascii', 'utf-8', 'iso-8859-1'],
  },
  {
    words: ['Größe', 'Überraschung', 'schön', 'Ärger', 'Münchner', 'zurück', 'Bestätigung', 'ÖFFNUNG'],
    charsets: ['utf-8', 'iso-8859-1', 'iso-8859-15', 'windows-1252', 'macintosh'],
  },
  { words: ['café', 'élève', 'Noël', 'garçon', 'FORÊT', 'août'], charsets: ['utf-8', 'iso-8859-1', 'windows-1252'] },
  {
    words: ['Привет', 'письмо', 'СЧЁТ', 'встреча', 'отчёт'],
    charsets: ['utf-8', 'koi8-r', 'windows-1251', 'iso-8859-5'],
  },
  { words: ['Καλημέρα', 'ΕΠΙΣΤΟΛΗ', 'κόσμος', 'Αθήνα'], charsets: ['utf-8', 'iso-8859-7', 'windows-1253'] },
  { words: ['Zażółć', 'gęślą', 'JAŹŃ', 'Łódź'], charsets: ['utf-8', 'iso-8859-2', 'windows-1250'] },
  {
    words: ['こんにちは', '会議', '資料', 'テスト', 'お知らせ'],
    charsets: ['utf-8', 'shift_jis', 'euc-jp', 'iso-2022-jp'],
  },
  { words: ['안녕하세요', '회의', '보고서'], charsets: ['utf-8', 'euc-kr'] },
  { words: ['你好', '会议', '报告', '中文'], charsets: ['utf-8', 'gb2312', 'gbk', 'gb18030'] },
  { words: ['שלום', 'פגישה'], charsets: ['utf-8', 'iso-8859-8'] },
];

const ENCODINGS = ['8bit', 'quoted-printable', 'base64'] as const;

/** Text in a charset. */
export function encodedText(text: string, charset: string): Buffer {
  if (charset !== 'iso-2022-jp') return iconv.encode(text, charset);
  // JIS X 0208 is EUC-JP without the eighth bit, between two escapes.
  const runs = text.match(/[\0-\x7f]+|[^\0-\x7f]+/g) ?? [];
  return Buffer.concat(
    runs.map(run => {
      if (run.charCodeAt(0) < 0x80) return Buffer.from(run);
      const octets = iconv.encode(run, 'euc-jp').map(octet => octet & 0x7f);
      return Buffer.concat([Buffer.from('\x1b$B'), octets, Buffer.from('\x1b(B')]);
    }),
  );
}

/** A letter as people and programs write them, in many languages, charsets and encodings: the same for the same seed. */
export function madeUpLetter(seed: number): Buffer {
  return new LetterMaker(new Random(seed ^ 0x5bd1e995)).letter(0);
}

class LetterMaker {
  readonly #random: Random;
  readonly #tongue: Tongue;

  constructor(random: Random) {
    this.#random = random;
    this.#tongue = random.pick(TONGUES);
  }

  letter(depth: number): Buffer {
    const random = this.#random;
    const fields = [
      `From: ${this.#phrase(2)} <${random.pick(['ann', 'bob', 'carol'])}@example.org>`,
      `To: ${Array.from({ length: 1 + random.below(3) }, () => `${this.#phrase(1)} <u${random.below(9)}@example.net>`).join(',\r\n\t')}`,
      ...(random.oneIn(3) ? [`Cc: ${this.#phrase(1)} <copy@example.com>`] : []),
      ...(random.oneIn(8) ? ['Bcc: hidden@example.com'] : []),
      `Subject: ${this.#phrase(1 + random.below(4))}`,
      `Date: ${random.pick(['Mon, ', ''])}${1 + random.below(28)} ${random.pick(['Jan', 'Feb', 'Mar'])} 2024 ${random.pick(['00:30:00', '12:00:00', '23:30'])} ${random.pick(['+0000', '+0900', '-0800', 'GMT'])}`,
      `Message-ID: <${random.below(1e9)}@example.org>`,
      'MIME-Version: 1.0',
      ...(random.oneIn(4) ? [`X-Label: ${this.#phrase(2)}`] : []),
    ];
    return Buffer.concat([Buffer.from(`${fields.join('\r\n')}\r\n`, 'latin1'), this.#entity(depth)]);
  }

  #entity(depth: number): Buffer {
    const random = this.#random;
    const kind = depth > 2 ? 0 : random.below(7);
    if (kind === 5) return this.#multipart(random.pick(['mixed', 'alternative', 'related']), depth);
    if (kind === 6) return Buffer.concat([Buffer.from('Content-Type: message/rfc822\r\n\r\n'), this.letter(depth + 1)]);
    return this.#text(random.oneIn(3) ? 'html' : 'plain');
  }

  #multipart(subtype: string, depth: number): Buffer {
    const random = this.#random;
    const boundary = `=_${depth}_${random.below(1e9)}`;
    const parts = Array.from({ length: 1 + random.below(3) }, () => this.#entity(depth + 1));
    if (random.oneIn(2)) parts.push(this.#attachment());
    return Buffer.concat([
      Buffer.from(`Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n`),
      ...parts.flatMap(part => [Buffer.from(`--${boundary}\r\n`), part, Buffer.from('\r\n')]),
      Buffer.from(`--${boundary}--\r\n`),
    ]);
  }

  #attachment(): Buffer {
    const octets = Buffer.from(`attached ${this.#random.pick(['meeting', 'secret'])} data`).toString('base64');
    const type = 'Content-Type: application/octet-stream; name="notes.bin"';
    return Buffer.from(`${type}\r\nContent-Transfer-Encoding: base64\r\n\r\n${octets}\r\n`);
  }

  #text(subtype: 'plain' | 'html'): Buffer {
    const random = this.#random;
    const charset = random.pick(this.#tongue.charsets);
    const encoding = random.pick(ENCODINGS);
    const lines = Array.from({ length: 1 + random.below(12) }, () =>
      Array.from({ length: 1 + random.below(6) }, () => this.#word()).join(' '),
    );
    const text = subtype === 'html' ? lines.map(line => `<p>${line}</p>`) : lines;
    const octets = encodedText(`${text.join('\r\n')}\r\n`, charset);
    const head = `Content-Type: text/${subtype}; charset=${random.oneIn(2) ? charset : `"${charset.toUpperCase()}"`}`;
    return Buffer.concat([
      Buffer.from(`${head}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
      transferred(octets, encoding),
    ]);
  }

  #word(): string {
    return this.#random.oneIn(3) ? this.#random.pick(TONGUES[0]?.words ?? []) : this.#random.pick(this.#tongue.words);
  }

  /** Words for a header, in wire form. */
  #phrase(words: number): string {
    const random = this.#random;
    const charset = random.pick(this.#tongue.charsets);
    const raw = random.oneIn(6);
    return Array.from({ length: words }, () => {
      const word = this.#word();
      if (!/[^\0-\x7f]/.test(word)) return word;
      return raw ? Buffer.from(word).toString('latin1') : encodedWord(word, charset, random.oneIn(2) ? 'B' : 'Q');
    }).join(random.oneIn(8) ? '\r\n ' : ' ');
  }
}

function encodedWord(word: string, charset: string, form: 'B' | 'Q'): string {
  const octets = encodedText(word, charset);
  const text = form === 'B' ? octets.toString('base64') : hex(octets);
  return `=?${charset}?${form}?${text}?=`;
}

function transferred(octets: Buffer, encoding: (typeof ENCODINGS)[number]): Buffer {
  if (encoding === '8bit') return octets;
  if (encoding === 'base64') return Buffer.from(octets.toString('base64').replace(/.{76}/g, '$&\r\n'));
  const lines = octets.toString('latin1').split('\r\n');
  const softly = (line: string) => line.replace(/(?:=..|[^=]){60,70}(?=.)/g, '$&=\r\n');
  return Buffer.from(lines.map(line => softly(hex(Buffer.from(line, 'latin1'), true))).join('\r\n'), 'latin1');
}

function hex(octets: Buffer, keepsSpaces = false): string {
  return octets
    .toString('latin1')
    .replace(
      keepsSpaces ? /[^ !-<>-~]/g : /[^A-Za-z0-9]/g,
      char => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
}
