import { randomBytes } from 'node:crypto';

const NAMES = ['Ada', 'Björn', 'Chen', 'Dora', 'Emre', 'Fatima', 'Gil', 'Hana'];
const WORDS =
  'the quarterly report meeting invoice travel budget review draft contract server please find attached'.split(' ');
/** Base64, so that it cannot be compressed by more than its form allows, as with pictures. */
const RANDOM = randomBytes(3 * 256 * 1024).toString('base64');

/**
 * The n-th message, always the same but for its attachment: most are letters of some kilobytes, some have attachments; 18 KB in the
 * mean. One in ten has a Subject with "budget", one in fifty a body with "zebra".
 */
export function benchMessage(index: number): Buffer {
  const from = NAMES[index % NAMES.length] ?? '';
  const subject = `${index % 10 === 0 ? 'budget' : WORDS[index % 5]} ${index}`;
  const head = [
    'Return-Path: <bounce@lists.example.org>',
    'Received: from mx.example.org (mx.example.org [192.0.2.7]) by mail.example.org with ESMTPS id 4Q2abc;',
    '\tMon, 02 Feb 2026 10:11:12 +0100 (CET)',
    `From: =?utf-8?q?${encodeURIComponent(from).replaceAll('%', '=')}?= <${index % 97}@example.org>`,
    `To: team@example.org, "Someone, Else" <else@example.net>`,
    `Subject: ${subject}`,
    `Date: Mon, ${String(1 + (index % 28)).padStart(2, '0')} Feb 2026 10:11:12 +0100`,
    `Message-ID: <${index}.bench@example.org>`,
    `In-Reply-To: <${index - 1}.bench@example.org>`,
    'MIME-Version: 1.0',
  ];
  const text = lettersOf(index, 1500 + ((index * 37) % 4000));
  const kind = index % 20;
  if (kind >= 4) {
    return wire([...head, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', text]);
  }
  const octets = kind === 0 ? 180_000 : 30_000;
  const start = (index * 7919) % (RANDOM.length - octets);
  const attached = RANDOM.slice(start, start + octets).replace(/.{76}/g, '$&\r\n');
  return wire([
    ...head,
    'Content-Type: multipart/mixed; boundary="bench-b"',
    '',
    '--bench-b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    '--bench-b',
    'Content-Type: image/jpeg; name="picture.jpg"',
    'Content-Disposition: attachment; filename="picture.jpg"',
    'Content-Transfer-Encoding: base64',
    '',
    attached,
    '--bench-b--',
    '',
  ]);
}

function lettersOf(index: number, octets: number): string {
  const words: string[] = [index % 50 === 0 ? 'zebra' : 'horse'];
  let length = 0;
  for (let at = index; length < octets; at += 1) {
    const word = `${WORDS[(at * 31) % WORDS.length]}${at % 12 === 11 ? '\r\n' : ' '}`;
    words.push(word);
    length += word.length;
  }
  return words.join('');
}

function wire(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n`, 'utf8');
}
