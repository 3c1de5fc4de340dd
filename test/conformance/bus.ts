import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, MailboxId, ModSeq } from '../../src/mail/ids.ts';
import type { Wake } from '../../src/mail/store.ts';
import type { Bus } from '../../src/store/bus/bus.ts';

const alice = 'alice' as AccountId;
const bob = 'bob' as AccountId;
const inbox = 1 as MailboxId;
const sent = 2 as MailboxId;
const wake = (mailbox: MailboxId | undefined, at: number): Wake => ({ mailbox, at: at as ModSeq });

/** A wake that has been posted must arrive within this time, in milliseconds; none that has not been posted may. */
const SOON = 200;

async function next(wakes: AsyncIterator<Wake>): Promise<Wake | 'none' | 'end'> {
  const timeout = Promise.withResolvers<'none'>();
  const timer = setTimeout(() => timeout.resolve('none'), SOON);
  const result = await Promise.race([wakes.next(), timeout.promise]);
  clearTimeout(timer);
  if (result === 'none') return 'none';
  return result.done ? 'end' : result.value;
}

/** What every `Bus` does. @param open a bus of its own for each test */
export function busConformance(name: string, open: () => Promise<Bus>): void {
  describe(`${name} carries wakes`, () => {
    let bus: Bus;
    let controller: AbortController;
    const subscribe = (account: AccountId, mailbox?: MailboxId) =>
      bus.subscribe(account, mailbox, controller.signal)[Symbol.asyncIterator]();

    beforeEach(async () => {
      bus = await open();
      controller = new AbortController();
      return () => controller.abort();
    });

    it('to those who watch the mailbox or the account, and to nobody else', async () => {
      const watchers = [subscribe(alice, inbox), subscribe(alice), subscribe(alice, sent), subscribe(bob)];
      bus.post(alice, wake(inbox, 5));
      const woken = await Promise.all(watchers.map(next));
      expect(woken).toEqual([wake(inbox, 5), wake(inbox, 5), 'none', 'none']);
    });

    it('of changes of the mailboxes as such, to those who watch the account', async () => {
      const [all, one] = [subscribe(alice), subscribe(alice, inbox)];
      bus.post(alice, wake(undefined, 7));
      expect(await Promise.all([next(all), next(one)])).toEqual([wake(undefined, 7), 'none']);
    });

    it('that were posted after the subscription and before the first pull, and none from before', async () => {
      bus.post(alice, wake(inbox, 1));
      const wakes = subscribe(alice, inbox);
      bus.post(alice, wake(inbox, 2));
      expect(await next(wakes)).toEqual(wake(inbox, 2));
      expect(await next(wakes)).toBe('none');
    });

    it('joined into the newest for each mailbox', async () => {
      const wakes = subscribe(alice);
      // Whether the first of them is on its way already is the bus's business.
      for (let at = 1; at <= 10_000; at += 1) {
        bus.post(alice, wake(inbox, at));
        bus.post(alice, wake(sent, 20_000 + at));
      }
      bus.post(alice, wake(inbox, 3));
      const got: Wake[] = [];
      for (let one = await next(wakes); typeof one === 'object'; one = await next(wakes)) got.push(one);
      expect(got.length).toBeLessThanOrEqual(4);
      const newest = (mailbox: MailboxId) =>
        Math.max(...got.filter(one => one.mailbox === mailbox).map(({ at }) => at));
      expect([newest(inbox), newest(sent)]).toEqual([10_000, 30_000]);
    });

    it('to many at once', async () => {
      const watchers = Array.from({ length: 200 }, () => subscribe(alice, inbox));
      const woken = Promise.all(watchers.map(next));
      bus.post(alice, wake(inbox, 9));
      expect(await woken).toEqual(Array(200).fill(wake(inbox, 9)));
    });

    it('until the signal ends them, also while they are waited for, without an error', async () => {
      const [waiting, full, late] = [subscribe(alice), subscribe(alice, inbox), subscribe(bob)];
      const end = next(waiting);
      bus.post(bob, wake(inbox, 1));
      controller.abort(new Error('gone'));
      expect(await end).toBe('end');
      expect(await Promise.all([next(full), next(late)])).toEqual(['end', 'end']);
      expect(await next(subscribe(alice))).toBe('end');
      bus.post(alice, wake(inbox, 2));
      expect(await next(waiting)).toBe('end');
    });

    it('until their reader leaves', async () => {
      const seen: Wake[] = [];
      const wakes = bus.subscribe(alice, inbox, controller.signal);
      bus.post(alice, wake(inbox, 1));
      for await (const one of wakes) {
        seen.push(one);
        break;
      }
      bus.post(alice, wake(inbox, 2));
      for await (const one of wakes) seen.push(one);
      expect(seen).toEqual([wake(inbox, 1)]);
    });
  });
}
