import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServedStand } from './served-stand.ts';

let stand: ServedStand;
beforeEach(() => {
  stand = new ServedStand();
});
afterEach(() => stand.close());

describe('literals of a logged-in client', () => {
  it('are arguments up to a size, and messages beyond', async () => {
    const client = await stand.enter({ limits: { literal: 100_000 } });
    await client.ok(`CREATE {4+}\r\nWork`);
    await client.ok(`APPEND {4+}\r\nWork (\\Seen) {14+}\r\nSubject: x\r\n\r\n`);
    await client.ok(`APPEND Work ~{14+}\r\nSubject: y\r\n\r\n`);
    expect(stand.account.box('Work').messages).toHaveLength(2);
    client.write('a APPEND Work {90000}\r\n');
    expect(await client.hears('\r\n')).toBe('+ OK\r\n');
    client.write(`${'x'.repeat(89_998)}\r\n\r\n`);
    expect((await client.answer('a')).at(-1)).toMatch(/^OK/);
    client.write('b APPEND Work {100001}\r\n');
    expect(await client.answer('b')).toEqual(['NO [TOOBIG] A message may have 100000 octets at most.']);
    client.write(`c APPEND Work {100001+}\r\n${'x'.repeat(100_001)}\r\nd NOOP\r\n`);
    expect(await client.answer('d')).toEqual([expect.stringMatching(/^c NO \[TOOBIG\]/), 'OK NOOP completed.']);
    client.write(`e CREATE {65537}\r\n`);
    expect(await client.answer('e')).toEqual(['BAD [TOOBIG] The literal is too big.']);
    client.write(`f LIST "" {200000+}\r\n${'x'.repeat(200_000)}\r\ng NOOP\r\n`);
    expect((await client.answer('g')).at(-1)).toBe('OK NOOP completed.');
    expect(stand.account.box('Work').messages).toHaveLength(3);
  });

  it('are not waited for when the command before them is wrong', async () => {
    const client = await stand.enter();
    client.write('a APPEND INBOX (\\Nonsense) {5}\r\n');
    expect(await client.answer('a')).toEqual([expect.stringMatching(/^BAD/)]);
    client.write('b APPEND nowhere {5}\r\n');
    expect(await client.answer('b')).toEqual([expect.stringMatching(/^NO \[TRYCREATE\]/)]);
    client.write('c APPEND nowhere {5+}\r\na NOO\r\nd NOOP\r\n');
    expect(await client.answer('d')).toEqual([expect.stringMatching(/^c NO \[TRYCREATE\]/), 'OK NOOP completed.']);
    client.write('e APPEND INBOX {5+}\r\nabcde and more\r\nf NOOP\r\n');
    expect(await client.answer('f')).toEqual([expect.stringMatching(/^e BAD/), 'OK NOOP completed.']);
    expect(stand.account.box('INBOX').messages).toHaveLength(0);
  });

  it('that end with the connection leave nothing', async () => {
    const client = await stand.enter();
    client.write('a APPEND INBOX {500}\r\n');
    await client.hears('+ OK');
    client.write('half of it');
    await sleep(20);
    await client.leave();
    expect(stand.account.box('INBOX').messages).toHaveLength(0);
    await stand.nothingLeft();
  });
});
