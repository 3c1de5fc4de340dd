import { describe, expect, it } from 'vitest';
import type { MailboxId } from '../../../src/mail/ids.ts';
import type { Wake } from '../../../src/mail/store.ts';
import type { Stand } from '../store.ts';
import { add, filled, letter, only, pull } from './session.ts';

/** A wake must come within this time, in milliseconds. */
const SOON = 500;

async function next(wakes: AsyncIterator<Wake>): Promise<Wake | 'none' | 'end'> {
  const timeout = Promise.withResolvers<'none'>();
  const timer = setTimeout(() => timeout.resolve('none'), SOON);
  const result = await Promise.race([wakes.next(), timeout.promise]);
  clearTimeout(timer);
  if (result === 'none') return 'none';
  return result.done ? 'end' : result.value;
}

export function watching(stand: Stand): void {
  const watch = (mailbox: MailboxId | undefined, signal: AbortSignal) =>
    stand.store.watch(mailbox === undefined ? {} : { mailbox }, signal)[Symbol.asyncIterator]();

  describe('of wakes', () => {
    it('come from every kind of change another session makes, and then there is something to pull', async () => {
      await stand.store.edit({ kind: 'create', name: 'other' });
      const mailbox = await filled(stand.store, 'INBOX', 4);
      const theirs = await (await stand.another()).open('INBOX', false);
      const controller = new AbortController();
      const wakes = watch(mailbox.id, controller.signal);
      let { at } = await mailbox.snapshot(false);
      const changes = [
        () => add(stand.store, 'INBOX', letter(5)),
        () => theirs.setFlags(only(1), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: at }),
        () => theirs.expunge(undefined),
        () => theirs.copy(only(2), 'other', true),
        () => theirs.copy(only(3), 'INBOX', false),
      ];
      for (const change of changes) {
        await change();
        const wake = await next(wakes);
        expect(wake).toMatchObject({ mailbox: mailbox.id });
        const { events, last } = await pull(mailbox, at);
        expect(events.length).toBeGreaterThan(0);
        expect(last.status.at).toBeGreaterThan(at);
        at = last.status.at;
      }
      controller.abort();
    });

    it('wait for whoever has subscribed and not pulled yet, joined', async () => {
      const mailbox = await filled(stand.store, 'INBOX', 1);
      const controller = new AbortController();
      const wakes = watch(mailbox.id, controller.signal);
      for (let n = 0; n < 5; n += 1) await add(stand.store, 'INBOX', letter(n));
      const { at } = await mailbox.snapshot(false);
      let wake = await next(wakes);
      for (let more = 0; typeof wake === 'object' && wake.at < at; more += 1) {
        expect(more).toBeLessThan(2);
        wake = await next(wakes);
      }
      expect(wake).toEqual({ mailbox: mailbox.id, at });
      controller.abort();
    });

    it('are of the mailbox asked for, or of all', async () => {
      await stand.store.edit({ kind: 'create', name: 'other' });
      const other = (await stand.store.status('other')).id;
      const inbox = (await stand.store.status('INBOX')).id;
      const controller = new AbortController();
      const [one, all] = [watch(inbox, controller.signal), watch(undefined, controller.signal)];
      await add(stand.store, 'other', letter(1));
      expect(await next(all)).toMatchObject({ mailbox: other });
      await stand.store.edit({ kind: 'create', name: 'third' });
      let wake = await next(all);
      while (typeof wake === 'object' && wake.mailbox !== undefined) wake = await next(all);
      expect(wake).toMatchObject({ mailbox: undefined });
      expect(await next(one)).toBe('none');
      controller.abort();
    });

    it('tell of a mailbox that is deleted', async () => {
      await stand.store.edit({ kind: 'create', name: 'a' });
      const mailbox = await stand.store.open('a', true);
      const controller = new AbortController();
      const wakes = watch(mailbox.id, controller.signal);
      await (await stand.another()).edit({ kind: 'delete', name: 'a' });
      expect(await next(wakes)).toMatchObject({ mailbox: mailbox.id });
      controller.abort();
    });

    it('end with the signal, also while they are waited for', async () => {
      const controller = new AbortController();
      const wakes = watch(undefined, controller.signal);
      const end = next(wakes);
      controller.abort(new Error('the client is gone'));
      expect(await end).toBe('end');
      expect(await next(watch(undefined, controller.signal))).toBe('end');
    });
  });
}
