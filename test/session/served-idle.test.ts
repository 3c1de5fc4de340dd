import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import type { Mailbox, Store } from '../../src/mail/store.ts';
import { append, ServedStand } from './served-stand.ts';

let stand: ServedStand;
beforeEach(() => {
  stand = new ServedStand();
});
afterEach(() => stand.close());

describe('IDLE', () => {
  it('tells at once what others do, until DONE', async () => {
    const client = await stand.inbox(2);
    const other = await stand.enter();
    await other.ok('SELECT INBOX');
    client.write('i IDLE\r\n');
    expect(await client.hears('\r\n')).toBe('+ idling\r\n');
    await other.ok('STORE 1 +FLAGS (\\Flagged)');
    expect(await client.hears('\r\n')).toBe('* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))\r\n');
    await append(other);
    expect(await client.hears('RECENT')).toMatch(/^\* 3 EXISTS\r\n\* \d RECENT\r\n$/);
    await other.ok('STORE 2 +FLAGS (\\Deleted)');
    await client.hears('Deleted');
    await other.ok('EXPUNGE');
    expect(await client.hears('EXPUNGE')).toMatch(/^\* 2 EXPUNGE\r\n/);
    client.write('done\r\n');
    expect(await client.answer('i')).toContain('OK IDLE completed.');
    expect(await client.say('NOOP')).toEqual(['OK NOOP completed.']);
  });

  it('tells first what had happened before, and waits for DONE only', async () => {
    const client = await stand.inbox(1);
    const other = await stand.enter();
    await append(other);
    client.write('i IDLE\r\n');
    expect(await client.hears('EXISTS')).toMatch(/^\+ idling\r\n\* 2 EXISTS\r\n/);
    client.write('x NOOP\r\n');
    expect(await client.answer('i')).toContain('BAD DONE was expected.');
    client.write('i IDLE\r\nDONE\r\nj NOOP\r\n');
    expect(await client.answer('j')).toEqual(['+ idling', 'i OK IDLE completed.', 'OK NOOP completed.']);
  });

  it('is possible with nothing selected, and ends with its client', async () => {
    const client = await stand.enter();
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    await client.leave();
    await stand.nothingLeft();
  });

  it('goes on when news cannot be had, says so after DONE, and loses nothing', async () => {
    const faults: unknown[] = [];
    const client = await stand.inbox(1, { store: failing(stand.account.open(), faults) });
    const other = await stand.enter();
    client.write('i IDLE\r\n');
    await client.hears('+ idling\r\n');
    faults.push(new MailError('unavailable', 'a thread died'));
    await append(other);
    await expect.poll(() => faults).toEqual([]);
    client.write('DONE\r\n');
    const answer = await client.answer('i');
    expect(answer.at(-1)).toMatch(/^NO \[UNAVAILABLE\] /);
    expect(answer).toContain('* 2 EXISTS');
    await append(client, '{5+}\r\nINBOX');
    expect(stand.log.some(({ msg }) => msg === 'a command failed')).toBe(true);
  });

  it('ends the session when it fails by a mistake of ours: the DONE to come must not be taken for a command', async () => {
    const faults: unknown[] = [];
    const client = await stand.inbox(1, { store: failing(stand.account.open(), faults) });
    const other = await stand.enter();
    client.write('i IDLE\r\n');
    await client.hears('+ idling\r\n');
    faults.push(new TypeError('a mistake'));
    await append(other);
    expect(await client.hears('BYE')).toContain('* BYE [UNAVAILABLE] Internal error.');
    await client.leave();
    await other.leave();
    await stand.nothingLeft(1);
  });

  it('ends with the mailbox', async () => {
    const client = await stand.enter();
    const other = await stand.enter();
    await client.ok('SELECT Sent');
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    await other.ok('DELETE Sent');
    expect(await client.hears('BYE')).toMatch(/^\* BYE .*was deleted or replaced\.\r\n$/);
    await client.session.done;
  });

  it('ends with a goodbye when it lasts too long, though mail comes', async () => {
    const other = await stand.enter();
    const client = await stand.inbox(1, { limits: { idle: 600 } });
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    const timer = setInterval(() => other.write(`a APPEND INBOX {2+}\r\nx\n\r\n`), 50);
    expect(await client.hears('BYE')).toContain('* BYE [UNAVAILABLE] Idle for too long.\r\n');
    clearInterval(timer);
    await client.session.done;
  });
});

/** A store whose changes fail with the faults, each once. */
function failing(store: Store, faults: unknown[]): Store {
  const open = store.open.bind(store);
  store.open = async (name, readOnly): Promise<Mailbox> => {
    const mailbox = await open(name, readOnly);
    const changes = mailbox.changes.bind(mailbox);
    mailbox.changes = async (since, limit) => {
      if (faults.length > 0) throw faults.shift();
      return changes(since, limit);
    };
    return mailbox;
  };
  return store;
}
