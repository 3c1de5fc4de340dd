import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import type { Store } from '../../src/mail/store.ts';
import { until } from '../support/processes.ts';
import { append, ServedStand } from './served-stand.ts';

let stand: ServedStand;
beforeEach(() => {
  stand = new ServedStand();
});
afterEach(() => stand.close());

describe('the end of a served session', () => {
  it('comes with a goodbye while the client is silent', async () => {
    const client = await stand.inbox(1);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    expect(await client.hears('\r\n')).toBe('* BYE [UNAVAILABLE] Enough.\r\n');
    await client.session.done;
    await stand.nothingLeft();
  });

  it('comes with a goodbye within IDLE', async () => {
    const client = await stand.inbox(1);
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Enough.\r\n');
    await client.session.done;
    await stand.nothingLeft();
  });

  it('lets a command that is under way be answered first', async () => {
    const held = Promise.withResolvers<void>();
    const store = slowed(stand.account.open(), () => held.promise);
    const client = await stand.enter({ store });
    client.write('a CREATE Work\r\nb CREATE Play\r\n');
    await sleep(20);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    await sleep(20);
    held.resolve();
    expect(await client.hears('BYE')).toMatch(/^a OK .*\r\n\* BYE \[UNAVAILABLE\] Enough\.\r\n$/);
    await client.session.done;
    expect(stand.account.boxes.has('Play')).toBe(false);
    await stand.nothingLeft();
  });

  it('does not wait long for a command', { timeout: 10_000 }, async () => {
    const store = slowed(stand.account.open(), () => new Promise(resolve => setTimeout(resolve, 1500)));
    const client = await stand.enter({ store });
    client.write('a CREATE Work\r\n');
    await sleep(20);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Enough.\r\n');
    await client.session.done;
    await stand.nothingLeft();
  });

  it('comes without a word within a message, which would become a part of it', async () => {
    const client = await stand.enter();
    const message = Buffer.alloc(20_000_000, 'x\r\n');
    client.write(`a APPEND INBOX {${message.length}+}\r\n`);
    client.session.client.write(message);
    client.write('\r\n');
    await client.answer('a');
    await client.ok('SELECT INBOX');
    client.session.client.pause();
    client.write('b FETCH 1 BODY.PEEK[]\r\n');
    await sleep(200);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    await sleep(1300);
    client.session.client.resume();
    await client.session.done;
    await sleep(100);
    const heard = client.unread();
    expect(heard.length).toBeGreaterThan(10_000);
    expect(heard).not.toContain('BYE');
    await stand.nothingLeft();
  });

  it('comes after silence', async () => {
    const client = await stand.enter({ limits: { idle: 200 } });
    await sleep(120);
    await client.ok('NOOP');
    await sleep(120);
    await client.ok('NOOP');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Idle for too long.\r\n');
    await client.session.done;
    await stand.nothingLeft();
  });

  it('comes after many bad commands in a row, good ones in between forgiven', async () => {
    const client = await stand.enter({ limits: { bad_commands: 3 } });
    for (const command of ['x', 'y', 'NOOP', 'x', 'y', 'NOOP']) await client.say(command);
    client.write('a x\r\nb y\r\nc z\r\n');
    expect(await client.hears('BYE')).toMatch(/c BAD .*\r\n\* BYE .*Too many bad commands\.\r\n$/);
    await client.session.done;
  });

  it('closes the store though the client was lost while it was opened', async () => {
    const slow = Promise.withResolvers<Store>();
    let closed = 0;
    const session = await stand.open({ store: stand.account.open(), opened: () => slow.promise });
    await until('the greeting', () => session.heard().endsWith('\r\n'));
    session.client.write('a LOGIN ada secret\r\n');
    await sleep(20);
    session.client.resetAndDestroy();
    await sleep(20);
    const store = stand.account.open();
    store.close = async () => {
      closed += 1;
    };
    slow.resolve(store);
    await session.done;
    expect(closed).toBe(1);
    await stand.nothingLeft();
  });

  it('comes when a bug is found in what is told, and not when that cannot be had for a while', async () => {
    const store = stand.account.open();
    const open = store.open.bind(store);
    const failing: { error: Error | undefined } = { error: undefined };
    store.open = async (name, readOnly) => {
      const mailbox = await open(name, readOnly);
      const changes = mailbox.changes.bind(mailbox);
      mailbox.changes = async (since, limit) => {
        if (failing.error) throw failing.error;
        return await changes(since, limit);
      };
      return mailbox;
    };
    const client = await stand.inbox(1, { store });
    const other = await stand.enter();
    failing.error = new MailError('unavailable', 'no index');
    await append(other);
    expect(await client.say('NOOP')).toEqual(['OK NOOP completed.']);
    failing.error = undefined;
    expect(await client.ok('NOOP')).toContain('* 2 EXISTS');
    failing.error = new TypeError('a bug');
    client.write('a NOOP\r\n');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Internal error.\r\n');
    await client.session.done;
    await other.leave();
    await stand.nothingLeft(1);
  });

  it('does not come because a command finds a bug', async () => {
    const store = stand.account.open();
    store.list = () => Promise.reject(new TypeError('secret things'));
    const client = await stand.enter({ store });
    expect(await client.say('LIST "" *')).toEqual(['NO [SERVERBUG] Internal error.']);
    store.list = () => Promise.reject(new MailError('damaged', 'secret things'));
    expect(await client.say('LIST "" *')).toEqual([expect.stringMatching(/^NO \[SERVERBUG\] .*administrator/)]);
    await client.ok('NOOP');
    await client.leave();
    await stand.nothingLeft(1);
  });
});

/** A store whose edits wait. */
function slowed(store: Store, wait: () => Promise<void>): Store {
  const edit = store.edit.bind(store);
  store.edit = async change => {
    await wait();
    await edit(change);
  };
  return store;
}
