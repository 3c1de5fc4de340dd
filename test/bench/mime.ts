import { parseArgs } from 'node:util';
import { encodeBodyStructure } from '../../src/mime/encode-body-structure.ts';
import { StructureParser } from '../../src/mime/structure-parser.ts';

// How fast structures are found: node test/bench/mime.ts [--megabytes 100]
const { values } = parseArgs({ options: { megabytes: { type: 'string', default: '100' } } });
const size = Number(values.megabytes) * 1e6;
const CHUNK = 64 * 1024;

const base64 = `${'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx'}\r\n`;
const prose = 'Lines of prose are shorter,\r\n\r\nand some of them are empty.\r\n';
const head = 'From: a@example.org\r\nTo: b@example.org\r\nSubject: measured\r\nMIME-Version: 1.0\r\n';
const parts = (content: string) =>
  `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n--b\r\nContent-Type: a/b\r\n\r\n${content}--b--\r\n`;
const small = `${head}Content-Type: text/plain\r\n\r\n${prose.repeat(40)}`;

for (const [name, message] of [
  ['one attachment', parts(base64.repeat(Math.ceil(size / base64.length)))],
  ['one text', `${head}\r\n${prose.repeat(Math.ceil(size / prose.length))}`],
  [
    'many parts',
    `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n${`--b\r\n\r\n${prose}`.repeat(9000)}--b--\r\n`,
  ],
  ['small messages', small],
] as const) {
  const bytes = Buffer.from(message, 'latin1');
  const rounds = Math.max(1, Math.floor(size / bytes.length));
  const start = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    const parser = new StructureParser();
    for (let at = 0; at < bytes.length; at += CHUNK) parser.push(bytes.subarray(at, at + CHUNK));
    encodeBodyStructure(parser.finish());
  }
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  const rate = (rounds * bytes.length) / 1e6 / seconds;
  const each = (seconds / rounds) * 1e6;
  console.log(`${name.padEnd(16)} ${rate.toFixed(0).padStart(6)} MB/s ${each.toFixed(0).padStart(9)} us each`);
}
