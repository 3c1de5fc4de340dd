import iconv from 'iconv-lite';
import { describe, expect, it } from 'vitest';
import type { Query } from '../../../src/mail/query.ts';
import { matchMessage } from '../../../src/store/search/match-message.ts';
import { Residual } from '../../../src/store/search/residual.ts';
import fc from '../../support/fast-check.ts';
import { MadeMessage } from './made-message.ts';

const body = (text: string): Query => ({ kind: 'body', text });
const text = (text: string): Query => ({ kind: 'text', text });
const header = (field: string, wanted: string): Query => ({ kind: 'header', field, text: wanted });
const not = (part: Query): Query => ({ kind: 'not', part });

function ask(query: Query, message: MadeMessage, withHeader = true): Promise<boolean> {
  return matchMessage(new Residual(query), message.parts(withHeader), message);
}

const letter = `Subject: outer
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; name=mimename

plaintext
--b
Content-Type: message/rfc822
X-Mime: mimemessage

Subject: =?utf-8?q?inn=C3=A9r?=
Content-Type: text/html

<b>mark</b>up
--b
Content-Type: application/x-any; name=appname

appdata
--b
Content-Type: message/delivery-status

X-Status: statusdata
--b--
epilogue
`.replaceAll('\n', '\r\n');

describe('where is looked', () => {
  it.each([
    ['OUTER', false, true],
    ['preamble', false, false],
    ['mimename', false, true],
    ['plaintext', true, true],
    ['mimemessage', false, true],
    ['x-mime: mime', false, true],
    ['innér', true, true],
    ['subject: inn', true, true],
    ['<b>mark</b>', true, true],
    ['markup', false, false],
    ['appname', false, true],
    ['appdata', false, false],
    ['statusdata', true, true],
    ['epilogue', false, false],
    ['plaintext\r\n--b', false, false],
    ['outerplaintext', false, false],
  ])('%j', async (wanted, inBody, inText) => {
    for (const piece of [1, 7, 1000]) {
      const message = new MadeMessage(letter, piece);
      expect([await ask(body(wanted), message), await ask(text(wanted), message)]).toEqual([inBody, inText]);
      expect(await ask(not(body(wanted)), message)).toBe(!inBody);
      expect(await ask(text(wanted), message, false)).toBe(inText);
    }
  });

  it('takes what is encoded in no known way for no text (RFC 2045 §6.4)', async () => {
    const encoded = (encoding: string) =>
      new MadeMessage(`MIME-Version: 1.0\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\nneedle`);
    expect(await ask(body('needle'), encoded('x-own'))).toBe(false);
    expect(await ask(body('needle'), encoded('Binary'))).toBe(true);
    expect(await ask(body('needle'), encoded(''))).toBe(true);
  });

  it('does not take a part of a header for body because headers are asked for, too', async () => {
    const message = new MadeMessage(letter);
    expect(await ask({ kind: 'and', parts: [text('innér'), body('mimename')] }, message)).toBe(false);
    expect(await ask({ kind: 'and', parts: [text('innér'), text('mimename')] }, message)).toBe(true);
  });

  it('reads what the answer depends on, and no more', async () => {
    const message = new MadeMessage(letter);
    expect(await ask(text('outer'), message)).toBe(true);
    expect(message.readOctets).toBe(0);
    expect(await ask(body('plaintext'), message)).toBe(true);
    expect(message.readOctets).toBe('plaintext'.length);
    const large = new MadeMessage(
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n\r\n${'x'.repeat(1e6)}\r\n--b--\r\n`,
    );
    expect(await ask(text('nowhere'), large)).toBe(false);
    expect(large.readOctets).toBeLessThan(100);
  });
});

describe('what is joined', () => {
  const one = new MadeMessage('Subject: apple\r\nX-Long: pear\r\n\r\nbanana cherry\r\n');

  it.each<[Query, boolean]>([
    [{ kind: 'and', parts: [body('banana'), body('cherry')] }, true],
    [{ kind: 'and', parts: [body('banana'), body('apple')] }, false],
    [{ kind: 'or', parts: [body('apple'), body('cherry')] }, true],
    [{ kind: 'or', parts: [body('apple'), not(text('apple'))] }, false],
    [{ kind: 'and', parts: [text('apple'), body('cherry'), not(body('apple'))] }, true],
    [{ kind: 'and', parts: [header('x-long', 'EAR'), body('banana')] }, true],
    [{ kind: 'and', parts: [not(header('x-long', 'ear')), body('banana')] }, false],
    [{ kind: 'or', parts: [header('x-other', ''), header('subject', '')] }, true],
    [not(header('x-other', '')), true],
    [{ kind: 'and', parts: [body('apple'), text('apple')] }, false],
  ])('%j', async (query, expected) => {
    expect(await ask(query, one)).toBe(expected);
    expect(await ask(query, one, false)).toBe(expected);
    expect(await ask(query, new MadeMessage(one.octets, 3), false)).toBe(expected);
  });
});

describe('what is decoded', () => {
  const encodings = ['7bit', 'base64', 'quoted-printable'] as const;
  const charsets = ['utf-8', 'iso-8859-1', 'windows-1252', 'utf-16', 'utf-16le', 'utf-7', 'gb18030', 'macintosh'];

  function encoded(encoding: (typeof encodings)[number], octets: Buffer): string {
    if (encoding === 'base64') return octets.toString('base64').replace(/.{76}/g, '$&\r\n');
    const text = octets.toString('latin1');
    if (encoding === '7bit') return text;
    return text.replace(/[^ -<>-~]/g, char => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
  }

  function made(encoding: (typeof encodings)[number], charset: string, content: string, piece: number): MadeMessage {
    const head = `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
    return new MadeMessage(Buffer.from(head + encoded(encoding, iconv.encode(content, charset)), 'latin1'), piece);
  }

  it('reads every encoding and charset, however it comes in pieces', async () => {
    const content = 'Größe und Maß, Ärger im Café: Überraschung!'.repeat(3);
    for (const encoding of encodings) {
      for (const charset of charsets) {
        // iconv-lite loses a character where UTF-7 is cut before the end of what is encoded.
        for (const piece of charset === 'utf-7' ? [1000] : [1, 2, 3, 10, 1000]) {
          const message = made(encoding, charset, content, piece);
          const found = [await ask(body('MASS, ärger'), message), await ask(body('maß,ärger'), message)];
          expect([encoding, charset, piece, ...found]).toEqual([encoding, charset, piece, true, false]);
        }
      }
    }
  });

  it('finds what is there, wherever it was cut', async () => {
    const content = fc.string({
      unit: fc.constantFrom('a', 'B', 'é', 'ß', ' ', '\u0301', '日', '😀', 'ﬁ'),
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(
        content,
        fc.nat(),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom(...encodings),
        async (whole, from, length, piece, encoding) => {
          const characters = [...whole];
          const start = characters.length === 0 ? 0 : from % characters.length;
          const wanted = characters.slice(start, start + length).join('');
          // Alone, a mark folds differently from how it does behind its letter's other marks.
          fc.pre(wanted !== '' && !wanted.includes('\u0301'));
          expect(await ask(body(wanted), made(encoding, 'utf-8', whole, piece))).toBe(true);
        },
      ),
    );
  });

  it('keeps marks with their letters where it cuts', async () => {
    const content = 'x a\u0301\u0323 \u1112\u1161\u11ab y';
    for (const encoding of encodings) {
      for (let piece = 1; piece < 12; piece += 1) {
        const message = made(encoding, 'utf-8', content, piece);
        expect([piece, await ask(body('\u1ea1\u0301 한 Y'), message)]).toEqual([piece, true]);
      }
    }
  });

  it('guesses where no charset is given, or none that is known', async () => {
    for (const type of [
      '',
      'Content-Type: text/plain; charset=x-unknown\r\n',
      'Content-Type: text/plain; charset=us-ascii\r\n',
    ]) {
      for (const piece of [1, 1000]) {
        const utf8 = new MadeMessage(Buffer.from(`${type}\r\nüber`), piece);
        const latin = new MadeMessage(Buffer.from(`${type}\r\n\xfcber`, 'latin1'), piece);
        expect([await ask(body('ÜBER'), utf8), await ask(body('ÜBER'), latin)]).toEqual([true, true]);
      }
    }
  });
});

describe('hostile messages', () => {
  it('has a header of 10 MB', async () => {
    const fields = `Subject: x\r\nX-Many: ${'y'.repeat(60)}\r\n`.repeat(60_000);
    const message = new MadeMessage(`${fields}X-One: ${'z'.repeat(5_000_000)}\r\nX-Last: needle\r\n\r\nbody`);
    expect(await ask(header('x-last', 'needle'), message, false)).toBe(true);
    expect(await ask(text('last: needle'), message, false)).toBe(true);
    expect(await ask(text('nothing'), message, false)).toBe(false);
  });

  it('has 10,000 parts, or one deep in another', async () => {
    const flat = `--b\r\n\r\nx\r\n`.repeat(10_000);
    const wide = new MadeMessage(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${flat}--b\r\n\r\nneedle\r\n--b--`);
    expect(await ask(body('nothing'), wide)).toBe(false);
    let deep = 'Subject: needle\r\n\r\n';
    for (let depth = 0; depth < 1000; depth += 1) {
      deep = `Content-Type: multipart/mixed; boundary=b${depth}\r\n\r\n--b${depth}\r\nContent-Type: message/rfc822\r\n\r\n${deep}`;
    }
    expect(await ask(body('nothing'), new MadeMessage(deep))).toBe(false);
  });

  it('has one text of 12 MB, and one without a place to cut', async () => {
    for (const filling of ['line of text\r\n', 'é', '\u0301']) {
      const octets = Buffer.concat([Buffer.from('\r\n'), Buffer.alloc(12_000_000, filling), Buffer.from(' needle')]);
      expect(await ask(body(' needle'), new MadeMessage(octets))).toBe(true);
    }
  });
});
