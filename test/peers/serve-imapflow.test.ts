import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { startServedDoor } from '../support/served-door.ts';
import { testCa } from '../support/test-ca.ts';

const COUNT = 40;

describeWithPeers(['openssl'], 'imapflow and the embedded store', () => {
  let postern: RunningPostern | undefined;
  beforeAll(async () => {
    postern = await startServedDoor();
  });
  afterAll(() => postern?.remove());

  async function enter(): Promise<ImapFlow> {
    const { pem } = await testCa();
    const client = new ImapFlow({
      host: 'localhost',
      port: postern?.port('implicit') ?? 0,
      secure: true,
      tls: { ca: pem },
      auth: { user: 'alice', pass: 'secret' },
      logger: false,
    });
    await client.connect();
    return client;
  }

  it('synchronises two clients through folders, flags, moves and deletions', async () => {
    const [one, two] = [await enter(), await enter()];
    try {
      const folders = await one.list();
      const uses = new Map(folders.map(({ path, specialUse }) => [specialUse, path]));
      for (const use of ['\\Inbox', '\\Drafts', '\\Sent', '\\Junk', '\\Trash', '\\Archive']) {
        expect(uses.has(use), `a folder that is ${use}`).toBe(true);
      }
      expect(await one.mailboxCreate(['Projekte', 'Größe & 世界'])).toMatchObject({ created: true });
      const box = 'Projekte/Größe & 世界';
      for (let index = 0; index < COUNT; index += 1) {
        const text = `From: flow@example.org\r\nSubject: letter ${index}\r\n\r\nHello ${index}\r\n`;
        const flags = index % 2 === 0 ? ['\\Seen', '$Work'] : [];
        const appended = await one.append(box, text, flags, new Date(Date.UTC(2026, 1, 1 + (index % 28), 10)));
        expect(appended).toMatchObject({ destination: box, uid: index + 1 });
      }

      await two.mailboxOpen(box);
      expect(await summary(two)).toHaveLength(COUNT);
      const counters = await one.status(box, { messages: true, unseen: true, uidNext: true, highestModseq: true });
      expect(counters).toMatchObject({ messages: COUNT, unseen: COUNT / 2, uidNext: COUNT + 1 });
      const before = counters ? counters.highestModseq : undefined;

      await one.mailboxOpen(box);
      expect(await one.messageFlagsAdd('1:3', ['\\Flagged', 'Important'], { uid: true })).toBe(true);
      expect(await one.messageFlagsRemove('1', ['\\Seen'], { uid: true })).toBe(true);
      expect(await one.messageCopy('4:5', 'Archive', { uid: true })).toMatchObject({
        uidMap: new Map([
          [4, 1],
          [5, 2],
        ]),
      });
      expect(await one.messageMove('6:7', 'Trash', { uid: true })).toMatchObject({
        uidMap: new Map([
          [6, 1],
          [7, 2],
        ]),
      });
      expect(await one.messageDelete('8', { uid: true })).toBe(true);
      expect(await one.search({ flagged: true }, { uid: true })).toEqual([1, 2, 3]);
      expect(await one.search({ subject: 'letter 39' }, { uid: true })).toEqual([COUNT]);
      const whole = await one.download('10', undefined, { uid: true });
      const chunks: Buffer[] = [];
      for await (const chunk of whole.content ?? []) chunks.push(Buffer.from(chunk));
      expect(Buffer.concat(chunks).toString()).toContain('Hello 9\r\n');

      // What the second client has not been told yet, it finds by what has changed since.
      await two.noop();
      if (!before) throw new Error('no HIGHESTMODSEQ');
      const changed: number[] = [];
      for await (const { uid } of two.fetch('1:*', { flags: true, uid: true }, { uid: true, changedSince: before })) {
        changed.push(uid);
      }
      expect(changed).toEqual([1, 2, 3]);
      expect(await summary(two)).toEqual(await summary(one));
      expect(await two.status('Trash', { messages: true })).toMatchObject({ messages: 2 });
      expect(await one.mailboxRename(box, 'Projekte/Neu')).toMatchObject({ newPath: 'Projekte/Neu' });
      await one.mailboxOpen('INBOX');
      await two.mailboxOpen('INBOX');
      expect(await one.mailboxDelete('Projekte/Neu')).toMatchObject({ path: 'Projekte/Neu' });
    } finally {
      await Promise.all([one.logout(), two.logout()]);
    }
  });

  it('is told of arrivals, flags and deletions while it is idle', async () => {
    const [one, two] = [await enter(), await enter()];
    try {
      await one.mailboxOpen('INBOX');
      await two.mailboxOpen('INBOX');
      const told: string[] = [];
      const arrived = new Promise(resolve => one.once('exists', resolve));
      one.on('exists', () => told.push('exists'));
      one.on('flags', ({ seq }: { seq: number }) => told.push(`flags ${seq}`));
      const gone = new Promise(resolve => one.once('expunge', resolve));
      one.on('expunge', ({ seq }) => told.push(`expunge ${seq}`));
      void one.idle();
      await two.append('INBOX', 'Subject: new\r\n\r\nnew\r\n');
      await arrived;
      const flagged = new Promise(resolve => one.once('flags', resolve));
      await two.messageFlagsAdd('1', ['\\Flagged']);
      await flagged;
      await two.messageDelete('1');
      await gone;
      expect(told.at(0)).toBe('exists');
      expect(told.at(-1)).toBe('expunge 1');
      expect(told).toContain('flags 1');
    } finally {
      await Promise.all([one.logout(), two.logout()]);
    }
  });
});

async function summary(client: ImapFlow): Promise<string[]> {
  const lines: string[] = [];
  const wanted = { uid: true, flags: true, envelope: true, size: true, internalDate: true } as const;
  for await (const { uid, flags, envelope, size, internalDate } of client.fetch('1:*', wanted)) {
    const date = internalDate instanceof Date ? internalDate.toISOString() : internalDate;
    lines.push(
      [uid, [...(flags ?? [])].filter(flag => flag !== '\\Recent').sort(), envelope?.subject, size, date].join(' '),
    );
  }
  return lines;
}
