import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailError } from '../../src/mail/mail-error.ts';
import type { Store } from '../../src/mail/store.ts';
import { MemoryAccount } from '../support/memory-store.ts';
import { until } from '../support/processes.ts';
import { ServedClient } from './served-client.ts';
import { type OpenOptions, SessionStand } from './session-stand.ts';

let stand: SessionStand;
let account: MemoryAccount;
beforeEach(() => {
  stand = new SessionStand();
  account = new MemoryAccount({ folders: { Sent: '\\Sent' } });
});
afterEach(() => stand.close());

const enter = (options: Partial<OpenOptions> = {}): Promise<ServedClient> =>
  ServedClient.enter(stand, { store: account.open(), ...options });

const append = async (client: ServedClient, mailbox = 'INBOX', flags = ''): Promise<void> => {
  await client.ok(`APPEND ${mailbox} (${flags}) {14+}\r\nSubject: x\r\n\r\n`);
};

/** A client with INBOX selected, and so many messages in it. */
async function inbox(messages: number, options: Partial<OpenOptions> = {}): Promise<ServedClient> {
  const client = await enter(options);
  for (let count = 0; count < messages; count += 1) await append(client);
  await client.ok('SELECT INBOX');
  return client;
}

async function nothingLeft(errors = 0): Promise<void> {
  expect(stand.sessions.size).toBe(0);
  expect(Object.values(await stand.gauges()).filter(count => count !== 0)).toEqual([]);
  expect(stand.log.filter(({ level }) => Number(level) >= 50)).toHaveLength(errors);
}

describe('a served session', () => {
  it('goes from login to logout, and is counted on its way', async () => {
    let closed = 0;
    const store = account.open();
    const close = store.close.bind(store);
    store.close = async () => {
      closed += 1;
      await close();
    };
    const session = await stand.open({ store });
    await until('the greeting', () => session.heard().endsWith('\r\n'));
    const client = new ServedClient(session);
    expect(client.unread()).toContain('AUTH=PLAIN');
    const [login] = await client.say('LOGIN ada secret');
    expect(login).toMatch(/^OK \[CAPABILITY IMAP4rev1 .*\] Logged in\.$/);
    expect(login).not.toMatch(/AUTH=|LOGINDISABLED|STARTTLS|SASL-IR/);
    expect(login).toMatch(/IDLE/);
    expect(await stand.gauges()).toMatchObject({ greeting: 0, serve: 1 });
    expect(await client.say('CAPABILITY')).toEqual([
      expect.stringContaining('* CAPABILITY IMAP4rev1'),
      'OK CAPABILITY completed.',
    ]);
    expect(await client.say('LOGIN ada secret')).toEqual(['BAD LOGIN is not possible now.']);
    expect(await client.say('NOOP')).toEqual(['OK NOOP completed.']);
    await client.ok('SELECT inbox');
    const [entry] = stand.sessions.list();
    expect(entry).toMatchObject({ phase: 'serve', mailbox: 'INBOX', login: 'ada' });
    expect(await client.say('LOGOUT')).toEqual(['* BYE Logging out.', 'OK LOGOUT completed.']);
    await session.done;
    expect(closed).toBe(1);
    expect(entry?.bytesIn).toBeGreaterThan(0);
    expect(stand.log.find(({ msg }) => msg === 'session ended')).toMatchObject({ login: 'ada' });
    expect(stand.audit.filter(({ audit }) => audit === 'login')).toMatchObject([{ outcome: 'ok', login: 'ada' }]);
    await nothingLeft();
  });

  it('says of a mailbox what there is', async () => {
    const client = await enter();
    await append(client, 'INBOX', '\\Seen');
    await append(client, 'INBOX', 'work');
    const lines = await client.say('SELECT INBOX');
    const box = account.box('INBOX');
    expect(lines).toEqual([
      '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)',
      '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work \\*)] Flags are kept.',
      '* 2 EXISTS',
      '* 2 RECENT',
      '* OK [UNSEEN 2] The first unseen message.',
      `* OK [UIDVALIDITY ${box.uidValidity}] UIDs are valid.`,
      '* OK [UIDNEXT 3] The next UID.',
      `* OK [HIGHESTMODSEQ ${box.at}] Mod-sequences are kept.`,
      'OK [READ-WRITE] SELECT completed.',
    ]);
    const other = await enter();
    expect(await other.ok('SELECT INBOX')).toContain('* 0 RECENT');
  });

  it('changes nothing by EXAMINE', async () => {
    const client = await enter();
    await append(client);
    const lines = await client.say('EXAMINE INBOX');
    expect(lines.at(-1)).toBe('OK [READ-ONLY] EXAMINE completed.');
    expect(lines).toContain('* OK [PERMANENTFLAGS ()] The mailbox is read-only.');
    expect(lines).toContain('* 1 RECENT');
    expect(await client.say('EXPUNGE')).toEqual([expect.stringMatching(/^NO \[/)]);
    expect(await client.say('STORE 1 +FLAGS (\\Deleted)')).toEqual([expect.stringMatching(/^NO \[/)]);
    await client.ok('CLOSE');
    const other = await enter();
    expect(await other.ok('SELECT INBOX')).toContain('* 1 RECENT');
  });

  it('has nothing selected after a SELECT that fails', async () => {
    const client = await inbox(1);
    expect(await client.say('SELECT nowhere')).toEqual([
      '* OK [CLOSED] The mailbox before is closed.',
      'NO [NONEXISTENT] There is no such mailbox.',
    ]);
    expect(await client.say('FETCH 1 FLAGS')).toEqual(['BAD FETCH is not possible now.']);
    expect(stand.sessions.list()[0]?.mailbox).toBeUndefined();
    expect((await client.ok('SELECT INBOX')).filter(line => line.includes('CLOSED'))).toEqual([]);
    expect(await client.say('SELECT INBOX (NONSENSE)')).toEqual(['BAD Syntax error: a parameter is not known.']);
    expect(await client.say('SELECT INBOX ()')).toEqual([expect.stringMatching(/^BAD/)]);
  });

  it('takes away what is deleted by CLOSE and EXPUNGE, not by UNSELECT', async () => {
    const client = await inbox(3);
    await client.ok('STORE 2 +FLAGS.SILENT (\\Deleted)');
    await client.ok('UNSELECT');
    expect(await client.ok('SELECT INBOX')).toContain('* 3 EXISTS');
    expect(await client.say('EXPUNGE')).toEqual(
      ['* 2 EXPUNGE', '* 2 RECENT', 'OK EXPUNGE completed.'].filter(line => !line.includes('RECENT')),
    );
    await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)');
    expect(await client.say('CLOSE')).toEqual(['OK CLOSE completed.']);
    expect(await client.say('CLOSE')).toEqual(['BAD CLOSE is not possible now.']);
    expect(await client.ok('SELECT INBOX')).toContain('* 1 EXISTS');
  });

  it('tells with the next command what others have done', async () => {
    const client = await inbox(3);
    const other = await enter();
    await other.ok('SELECT INBOX');
    await other.ok('STORE 1 +FLAGS (\\Seen work)');
    await other.ok('STORE 2 +FLAGS (\\Deleted)');
    await append(other);
    expect(await client.ok('FETCH 3 UID')).toEqual([
      '* 3 FETCH (UID 3)',
      '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft work)',
      expect.stringContaining('* OK [PERMANENTFLAGS ('),
      expect.stringMatching(/^\* 1 FETCH \(UID 1 FLAGS \(\\Seen work/),
      expect.stringMatching(/^\* 2 FETCH \(UID 2 FLAGS \(\\Deleted/),
      '* 4 EXISTS',
      expect.stringMatching(/^\* \d RECENT$/),
    ]);
    await other.ok('EXPUNGE');
    expect(await client.ok('FETCH 3 UID')).toEqual(['* 3 FETCH (UID 3)']);
    expect(await client.say('FETCH 2 FLAGS')).toEqual([expect.stringMatching(/^(OK|NO) \[EXPUNGEISSUED\]/)]);
    expect(await client.ok('NOOP')).toContain('* 2 EXPUNGE');
    expect(await client.ok('FETCH 2 UID')).toEqual(['* 2 FETCH (UID 3)']);
    expect(await client.say('NOOP')).toEqual(['OK NOOP completed.']);
  });

  it('says goodbye to who has selected a mailbox that another deletes', async () => {
    const client = await enter();
    await client.ok('SELECT Sent');
    const other = await enter();
    await other.ok('SELECT Sent');
    await client.ok('DELETE Sent');
    expect(await client.say('FETCH 1 FLAGS')).toEqual(['BAD FETCH is not possible now.']);
    other.write('x NOOP\r\n');
    expect(await other.hears('BYE')).toMatch(/^\* BYE .*not there any more\.\r\n$/);
    await other.session.done;
    await client.ok('LOGOUT');
    await client.session.done;
    await nothingLeft();
  });

  it('enables what it is asked to, once', async () => {
    const client = await enter();
    expect(await client.say('ENABLE X-NONSENSE')).toEqual(['* ENABLED', 'OK ENABLE completed.']);
    expect(await client.ok('ENABLE CONDSTORE x')).toEqual(['* ENABLED CONDSTORE']);
    expect(await client.ok('ENABLE condstore')).toEqual(['* ENABLED']);
    expect(await client.say('ENABLE')).toEqual([expect.stringMatching(/^BAD/)]);
    await append(client);
    await client.ok('SELECT INBOX');
    const other = await enter();
    await other.ok('SELECT INBOX');
    await other.ok('STORE 1 +FLAGS (\\Seen)');
    expect(await client.ok('NOOP')).toEqual([
      `* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (${account.box('INBOX').at}))`,
    ]);
  });

  it('tells where modseqs stand when they are asked for first within a mailbox', async () => {
    const client = await inbox(1);
    const { at } = account.box('INBOX');
    expect(await client.ok('FETCH 1 (MODSEQ)')).toEqual([
      `* 1 FETCH (MODSEQ (${at}))`,
      `* OK [HIGHESTMODSEQ ${at}] Mod-sequences are told from now on.`,
    ]);
    expect(await client.ok('FETCH 1 (MODSEQ)')).toHaveLength(1);
    expect(await client.ok('STORE 1 +FLAGS.SILENT (\\Seen)')).toEqual([
      `* 1 FETCH (UID 1 MODSEQ (${account.box('INBOX').at}))`,
    ]);
  });
});

describe('IDLE', () => {
  it('tells at once what others do, until DONE', async () => {
    const client = await inbox(2);
    const other = await enter();
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
    const client = await inbox(1);
    const other = await enter();
    await append(other);
    client.write('i IDLE\r\n');
    expect(await client.hears('EXISTS')).toMatch(/^\+ idling\r\n\* 2 EXISTS\r\n/);
    client.write('x NOOP\r\n');
    expect(await client.answer('i')).toContain('BAD DONE was expected.');
    client.write('i IDLE\r\nDONE\r\nj NOOP\r\n');
    expect(await client.answer('j')).toEqual(['+ idling', 'i OK IDLE completed.', 'OK NOOP completed.']);
  });

  it('is possible with nothing selected, and ends with its client', async () => {
    const client = await enter();
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    await client.leave();
    await nothingLeft();
  });

  it('ends with the mailbox', async () => {
    const client = await enter();
    const other = await enter();
    await client.ok('SELECT Sent');
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    await other.ok('DELETE Sent');
    expect(await client.hears('BYE')).toMatch(/^\* BYE .*not there any more\.\r\n$/);
    await client.session.done;
  });

  it('ends with a goodbye when it lasts too long, though mail comes', async () => {
    const client = await inbox(1, { limits: { idle: 300 } });
    const other = await enter();
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    const timer = setInterval(() => other.write(`a APPEND INBOX {2+}\r\nx\n\r\n`), 50);
    expect(await client.hears('BYE')).toContain('* BYE [UNAVAILABLE] Idle for too long.\r\n');
    clearInterval(timer);
    await client.session.done;
  });
});

describe('literals of a logged-in client', () => {
  it('are arguments up to a size, and messages beyond', async () => {
    const client = await enter({ limits: { literal: 100_000 } });
    await client.ok(`CREATE {4+}\r\nWork`);
    await client.ok(`APPEND {4+}\r\nWork (\\Seen) {14+}\r\nSubject: x\r\n\r\n`);
    await client.ok(`APPEND Work ~{14+}\r\nSubject: y\r\n\r\n`);
    expect(account.box('Work').messages).toHaveLength(2);
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
    expect(account.box('Work').messages).toHaveLength(3);
  });

  it('are not waited for when the command before them is wrong', async () => {
    const client = await enter();
    client.write('a APPEND INBOX (\\Nonsense) {5}\r\n');
    expect(await client.answer('a')).toEqual([expect.stringMatching(/^BAD/)]);
    client.write('b APPEND nowhere {5}\r\n');
    expect(await client.answer('b')).toEqual([expect.stringMatching(/^NO \[TRYCREATE\]/)]);
    client.write('c APPEND nowhere {5+}\r\na NOO\r\nd NOOP\r\n');
    expect(await client.answer('d')).toEqual([expect.stringMatching(/^c NO \[TRYCREATE\]/), 'OK NOOP completed.']);
    client.write('e APPEND INBOX {5+}\r\nabcde and more\r\nf NOOP\r\n');
    expect(await client.answer('f')).toEqual([expect.stringMatching(/^e BAD/), 'OK NOOP completed.']);
    expect(account.box('INBOX').messages).toHaveLength(0);
  });

  it('that end with the connection leave nothing', async () => {
    const client = await enter();
    client.write('a APPEND INBOX {500}\r\n');
    await client.hears('+ OK');
    client.write('half of it');
    await sleep(20);
    await client.leave();
    expect(account.box('INBOX').messages).toHaveLength(0);
    await nothingLeft();
  });
});

describe('the end of a served session', () => {
  it('comes with a goodbye while the client is silent', async () => {
    const client = await inbox(1);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    expect(await client.hears('\r\n')).toBe('* BYE [UNAVAILABLE] Enough.\r\n');
    await client.session.done;
    await nothingLeft();
  });

  it('comes with a goodbye within IDLE', async () => {
    const client = await inbox(1);
    client.write('i IDLE\r\n');
    await client.hears('+ idling');
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Enough.\r\n');
    await client.session.done;
    await nothingLeft();
  });

  it('lets a command that is under way be answered first', async () => {
    const held = Promise.withResolvers<void>();
    const store = slowed(account.open(), () => held.promise);
    const client = await enter({ store });
    client.write('a CREATE Work\r\nb CREATE Play\r\n');
    await sleep(20);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    await sleep(20);
    held.resolve();
    expect(await client.hears('BYE')).toMatch(/^a OK .*\r\n\* BYE \[UNAVAILABLE\] Enough\.\r\n$/);
    await client.session.done;
    expect(account.boxes.has('Play')).toBe(false);
    await nothingLeft();
  });

  it('does not wait long for a command', { timeout: 10_000 }, async () => {
    const store = slowed(account.open(), () => new Promise(resolve => setTimeout(resolve, 1500)));
    const client = await enter({ store });
    client.write('a CREATE Work\r\n');
    await sleep(20);
    stand.sessions.kick({ login: 'ada' }, 'Enough.');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Enough.\r\n');
    await client.session.done;
    await nothingLeft();
  });

  it('comes without a word within a message, which would become a part of it', async () => {
    const client = await enter();
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
    await nothingLeft();
  });

  it('comes after silence', async () => {
    const client = await enter({ limits: { idle: 200 } });
    await sleep(120);
    await client.ok('NOOP');
    await sleep(120);
    await client.ok('NOOP');
    expect(await client.hears('BYE')).toBe('* BYE [UNAVAILABLE] Idle for too long.\r\n');
    await client.session.done;
    await nothingLeft();
  });

  it('comes after many bad commands in a row, good ones in between forgiven', async () => {
    const client = await enter({ limits: { bad_commands: 3 } });
    for (const command of ['x', 'y', 'NOOP', 'x', 'y', 'NOOP']) await client.say(command);
    client.write('a x\r\nb y\r\nc z\r\n');
    expect(await client.hears('BYE')).toMatch(/c BAD .*\r\n\* BYE .*Too many bad commands\.\r\n$/);
    await client.session.done;
  });

  it('closes the store though the client was lost while it was opened', async () => {
    const slow = Promise.withResolvers<Store>();
    let closed = 0;
    const session = await stand.open({ store: account.open(), opened: () => slow.promise });
    await until('the greeting', () => session.heard().endsWith('\r\n'));
    session.client.write('a LOGIN ada secret\r\n');
    await sleep(20);
    session.client.resetAndDestroy();
    await sleep(20);
    const store = account.open();
    store.close = async () => {
      closed += 1;
    };
    slow.resolve(store);
    await session.done;
    expect(closed).toBe(1);
    await nothingLeft();
  });

  it('does not come because a command finds a bug', async () => {
    const store = account.open();
    store.list = () => Promise.reject(new TypeError('secret things'));
    const client = await enter({ store });
    expect(await client.say('LIST "" *')).toEqual(['NO [SERVERBUG] Internal error.']);
    store.list = () => Promise.reject(new MailError('damaged', 'secret things'));
    expect(await client.say('LIST "" *')).toEqual([expect.stringMatching(/^NO \[SERVERBUG\] .*administrator/)]);
    await client.ok('NOOP');
    await client.leave();
    await nothingLeft(1);
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
