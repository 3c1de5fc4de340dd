import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Section } from '../../src/mail/message.ts';
import { encodeBodyStructure, extentSize } from '../../src/mime/encode-body-structure.ts';
import { encodeEnvelope } from '../../src/mime/encode-envelope.ts';
import { selectFields } from '../../src/mime/header-block.ts';
import { locate } from '../../src/mime/section.ts';
import type { Structure } from '../../src/mime/structure.ts';
import { parseStructure } from '../../src/mime/structure-parser.ts';
import { Dovecot } from '../support/dovecot.ts';
import { ImapClient } from '../support/imap-client.ts';
import { long } from '../support/long.ts';
import { describeWithPeers } from '../support/peers.ts';
import { madeUpMessage } from './corpus.ts';
import { DIFFERENCES } from './dovecot-differences.ts';
import { canonical, itemOf } from './imap-strings.ts';
import { headerEndsAtDelimiter, sectionsOf } from './sections.ts';

const COUNT = long ? 2000 : 510;
const BATCH = 30;

describeWithPeers(['dovecot'], 'the structure of a message, beside Dovecot', () => {
  let dovecot: Dovecot;
  let client: ImapClient;
  const corpus: readonly Buffer[] = Array.from({ length: COUNT }, (_, seed) => madeUpMessage(seed, (seed % 4) * 2));

  beforeAll(async () => {
    dovecot = await Dovecot.start({ compress: false });
    client = await ImapClient.connect({ port: dovecot.ports.plain, timeout: 60_000 });
    await client.command('LOGIN alice secret');
    await client.command('CREATE Differences');
    for (const message of corpus) dovecot.deliver('alice', message);
    for (const { message } of DIFFERENCES) dovecot.deliver('alice', Buffer.from(message, 'latin1'), 'Differences');
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await dovecot?.remove();
  });

  it('says the same of every message of a large corpus', async () => {
    expect((await client.command('SELECT INBOX')).untagged).toContain(`* ${COUNT} EXISTS`);
    const found: string[] = [];
    let exempt = 0;
    for (let first = 0; first < COUNT; first += BATCH) {
      const last = Math.min(COUNT, first + BATCH);
      for (const item of ['ENVELOPE', 'BODYSTRUCTURE', 'BODY', 'RFC822.SIZE'] as const) {
        const lines = await fetched(`${first + 1}:${last}`, item);
        expect(lines).toHaveLength(last - first);
        for (const [offset, line] of lines.entries()) {
          const message = corpus[first + offset] ?? Buffer.alloc(0);
          const structure = parseStructure(message);
          if (item.startsWith('BODY') && headerEndsAtDelimiter(structure.root)) {
            exempt += 1;
            continue;
          }
          const ours = canonical(answer(structure, item));
          const theirs = canonical(itemOf(line, item));
          if (ours !== theirs) found.push(`message ${first + offset}: ${item}\n  ours    ${ours}\n  dovecot ${theirs}`);
        }
      }
    }
    expect(found.slice(0, 3)).toEqual([]);
    expect(exempt).toBeLessThan(COUNT / 4);
  }, 120_000);

  it('finds the same bytes in every section', async () => {
    await client.command('EXAMINE INBOX');
    const found: string[] = [];
    let compared = 0;
    for (const [index, message] of corpus.entries()) {
      if (index % (long ? 1 : 3) !== 0) continue;
      const structure = parseStructure(message);
      if (headerEndsAtDelimiter(structure.root)) continue;
      const sections = sectionsOf(structure);
      const lines = await fetched(String(index + 1), `(${sections.map(([name]) => `BODY.PEEK[${name}]`).join(' ')})`);
      const line = lines.join('');
      let at = line.indexOf('(') + 1;
      for (const [name, section] of sections) {
        const head = new RegExp(`^ ?BODY\\[${name.replace(/[.()]/g, '\\$&')}\\] (?:\\{(\\d+)\\}\\r\\n|NIL|"")`).exec(
          line.slice(at),
        );
        if (!head) throw new Error(`message ${index}: no ${name} in ${JSON.stringify(line.slice(at, at + 100))}`);
        const start = at + head[0].length;
        at = start + Number(head[1] ?? 0);
        compared += 1;
        const ours = sectionBytes(message, structure, section);
        const theirs = line.slice(start, at);
        if (ours !== theirs) found.push(`message ${index} [${name}]: ${JSON.stringify([ours, theirs])}`);
      }
    }
    expect(found.slice(0, 3)).toEqual([]);
    expect(compared).toBeGreaterThan(COUNT);
  }, 120_000);

  it('differs in what is listed, and in just that way', async () => {
    await client.command('SELECT Differences');
    for (const [index, { message, item, ours, dovecot: theirs, what }] of DIFFERENCES.entries()) {
      const [line = ''] = await fetched(String(index + 1), item);
      const structure = parseStructure(Buffer.from(message, 'latin1'));
      expect([what, canonical(answer(structure, item))]).toEqual([what, ours]);
      expect([what, canonical(itemOf(line, item))]).toEqual([what, theirs]);
      expect(theirs).not.toBe(ours);
    }
  });

  async function fetched(messages: string, items: string): Promise<string[]> {
    const { tagged, untagged } = await client.command(`FETCH ${messages} ${items}`);
    expect(tagged).toMatch(/ OK /);
    return untagged.filter(line => /^\* \d+ FETCH /.test(line));
  }
});

function answer(structure: Structure, item: 'ENVELOPE' | 'BODYSTRUCTURE' | 'BODY' | 'RFC822.SIZE'): string {
  const { envelope, header, body } = structure.root;
  if (item === 'RFC822.SIZE') return String(extentSize(header, 'crlf') + extentSize(body, 'crlf'));
  if (item !== 'ENVELOPE') {
    return encodeBodyStructure(structure, { extended: item === 'BODYSTRUCTURE', lineEnds: 'crlf' }).toString('latin1');
  }
  if (!envelope) throw new Error('a message has an envelope');
  return encodeEnvelope(envelope).toString('latin1');
}

/** What is sent for it with CRLF everywhere and 0x80 for NUL, as Dovecot does; nothing for what is not there. */
function sectionBytes(message: Buffer, structure: Structure, section: Section): string {
  const located = locate(structure, section);
  if (!located) return '';
  const bytes = Buffer.concat(located.ranges.map(({ start, end }) => message.subarray(start, end)));
  const chosen = located.fields ? selectFields(bytes, located.fields.names, located.fields.except) : bytes;
  return chosen
    .toString('latin1')
    .replace(/(?<!\r)\n/g, '\r\n')
    .replaceAll('\0', '\x80');
}
