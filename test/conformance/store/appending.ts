import { describe, expect, it } from 'vitest';
import type { NewMessage } from '../../../src/mail/message.ts';
import { renderRanges } from '../../../src/mail/uid-ranges.ts';
import type { Stand } from '../store.ts';
import { add, each, flagsOf, kindOf, letter, message, never, rowsOf, textOf, uidsOf } from './session.ts';

export function appending(stand: Stand): void {
  const inbox = () => stand.store.open('INBOX', false);
  /** What an append must leave alone when it fails. */
  const state = async () => {
    const { exists, uidNext, size, at } = await stand.store.status('INBOX');
    return { exists, uidNext, size, at };
  };

  describe('of appended messages', () => {
    it('keeps them whole, however they arrive', async () => {
      const text = `Subject: a\r\nX: \xff\0\r\n\r\n${'Line of text\r\n'.repeat(500)}last`;
      for (const chunk of [1, 13, 1000, 100_000]) await add(stand.store, 'INBOX', message(text, { chunk }));
      const mailbox = await inbox();
      for (const uid of [1, 2, 3, 4]) expect(await textOf(mailbox, uid)).toBe(text);
      expect(await stand.store.status('INBOX')).toMatchObject({ exists: 4, unseen: 4, size: 4 * text.length });
    });

    it('says which UIDs they got, and counts them', async () => {
      const first = await add(stand.store, 'INBOX', letter(1), letter(2, ['\\Seen']), letter(3, ['\\Deleted']));
      const second = await add(stand.store, 'INBOX', letter(4));
      const status = await stand.store.status('INBOX');
      expect([renderRanges(first.uids), renderRanges(second.uids)]).toEqual(['1:3', '4']);
      expect([first.uidValidity, second.uidValidity]).toEqual([status.uidValidity, status.uidValidity]);
      expect(second.at).toBeGreaterThan(first.at);
      expect(status).toMatchObject({ at: second.at, exists: 4, unseen: 3, deleted: 1, uidNext: 5 });
      const mailbox = await inbox();
      for (const uid of [1, 2, 3, 4]) expect(await textOf(mailbox, uid)).toContain(`Text of ${uid}`);
    });

    it('makes bare line feeds CRLF, and counts them so', async () => {
      await add(stand.store, 'INBOX', message('Subject: a\nTo: b\r\n\nText\n\r\nand a \r alone\n', { chunk: 5 }));
      const stored = 'Subject: a\r\nTo: b\r\n\r\nText\r\n\r\nand a \r alone\r\n';
      const mailbox = await inbox();
      expect(await textOf(mailbox, 1)).toBe(stored);
      const [row] = await rowsOf(mailbox);
      expect(row).toMatchObject({ size: stored.length, header: 'Subject: a\r\nTo: b\r\n\r\n' });
    });

    it('keeps their flags, keywords in their first spelling, and their dates', async () => {
      const date = { time: 1_700_000_000_000, zone: -330 };
      const early = { time: -5_000_000_000_000, zone: 840 };
      await add(stand.store, 'INBOX', message('a: b\r\n\r\n', { flags: ['\\seen', '$Work', 'b'], date }));
      await add(stand.store, 'INBOX', message('a: b\r\n\r\n', { flags: ['$work', 'B', '\\FLAGGED'], date: early }));
      const mailbox = await inbox();
      expect(await flagsOf(mailbox)).toEqual({ 1: ['$Work', '\\Seen', 'b'], 2: ['$Work', '\\Flagged', 'b'] });
      expect((await rowsOf(mailbox)).map(row => row.date)).toEqual([date, early]);
    });

    it('gives every one an email id of its own', async () => {
      await add(stand.store, 'INBOX', letter('same'), letter('same'));
      const ids = (await rowsOf(await inbox())).map(({ emailId }) => emailId);
      expect(new Set(ids).size).toBe(2);
      // RFC 8474 §4: the alphabet of an objectid.
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,255}$/);
    });

    it('keeps what is hardly a message', async () => {
      const odd = ['\r\n', 'x', '\0', '\xff\xfe', ': \r\n', `Content-Type: multipart/mixed; boundary=a\r\n\r\n--a`];
      await add(stand.store, 'INBOX', ...odd.map(text => message(text)));
      const mailbox = await inbox();
      for (const [index, text] of odd.entries()) expect(await textOf(mailbox, index + 1)).toBe(text);
    });

    it('asks for nothing when there is no such mailbox', async () => {
      let pulled = false;
      async function* messages() {
        pulled = true;
        yield letter(1);
      }
      expect(await kindOf(stand.store.append('nowhere', messages(), never))).toBe('no-target');
      await stand.store.edit({ kind: 'create', name: 'level/below' });
      expect(await kindOf(stand.store.append('level', messages(), never))).toBe('no-target');
      expect(pulled).toBe(false);
    });

    it('keeps nothing of one whose source fails, and says what the source said', async () => {
      await add(stand.store, 'INBOX', letter(1));
      const before = await state();
      async function* failing() {
        yield Buffer.from('Subject: a\r\n');
        throw new Error('the client is gone');
      }
      const broken = (): NewMessage => ({ ...letter(2), size: 100, source: failing() });
      await expect(add(stand.store, 'INBOX', broken())).rejects.toThrow('the client is gone');
      await expect(add(stand.store, 'INBOX', letter(2), letter(3), broken())).rejects.toThrow('the client is gone');
      async function* late() {
        yield letter(2);
        throw new Error('no second one');
      }
      await expect(stand.store.append('INBOX', late(), never)).rejects.toThrow('no second one');
      expect(await state()).toEqual(before);
    });

    it('keeps nothing of one with more or fewer octets than announced', async () => {
      const before = await state();
      for (const size of [0, 9, 11, 1000]) {
        const wrong = { ...message('a: b\r\n\r\n12', { chunk: 3 }), size };
        await expect(add(stand.store, 'INBOX', letter(1), wrong)).rejects.toThrow();
      }
      expect(await state()).toEqual(before);
    });

    it('keeps nothing when the signal ends it', async () => {
      const before = await state();
      const controller = new AbortController();
      async function* stopping() {
        yield Buffer.from('Subject: a\r\n\r\n');
        controller.abort(new Error('the client is gone'));
        yield Buffer.from('text');
      }
      const stopped = { ...letter(1), size: 18, source: stopping() };
      await expect(stand.store.append('INBOX', each([stopped]), controller.signal)).rejects.toThrow(
        'the client is gone',
      );
      expect(await state()).toEqual(before);
    });

    it('keeps what many sessions append at once, each under a UID of its own', async () => {
      const stores = await Promise.all(Array.from({ length: 4 }, () => stand.another()));
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => add(stores[n % 4] ?? stand.store, 'INBOX', letter(`m${n}`))),
      );
      const mailbox = await inbox();
      expect(await uidsOf(mailbox)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      for (const [n, { uids }] of answers.entries()) {
        expect(await textOf(mailbox, uids[0]?.[0] ?? 0)).toContain(`Text of m${n}\r\n`);
      }
    });
  });
}
