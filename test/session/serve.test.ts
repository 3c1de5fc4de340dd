import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { ServedClient } from './served-client.ts';
import { append, ServedStand } from './served-stand.ts';

let stand: ServedStand;
beforeEach(() => {
  stand = new ServedStand();
});
afterEach(() => stand.close());

describe('a served session', () => {
  it('lets others have their turn between commands that come at once', async () => {
    let turns = 0;
    let counting = true;
    const count = () => {
      turns += 1;
      if (counting) setImmediate(count);
    };
    const told = new Set<number>();
    const store = stand.account.open();
    const open = store.open.bind(store);
    store.open = async (name, readOnly) => {
      const mailbox = await open(name, readOnly);
      const changes = mailbox.changes.bind(mailbox);
      mailbox.changes = (since, limit) => {
        told.add(turns);
        return changes(since, limit);
      };
      return mailbox;
    };
    const client = await stand.inbox(0, { store });
    setImmediate(count);
    client.write(`${'n NOOP\r\n'.repeat(2000)}end NOOP\r\n`);
    await client.answer('end');
    counting = false;
    expect(told.size).toBeGreaterThan(15);
  });

  it('goes from login to logout, and is counted on its way', async () => {
    let closed = 0;
    const store = stand.account.open();
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
    await stand.nothingLeft();
  });

  it('says of a mailbox what there is', async () => {
    const client = await stand.enter();
    await append(client, 'INBOX', '\\Seen');
    await append(client, 'INBOX', 'work');
    const lines = await client.say('SELECT INBOX');
    const box = stand.account.box('INBOX');
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
    const other = await stand.enter();
    expect(await other.ok('SELECT INBOX')).toContain('* 0 RECENT');
  });

  it('changes nothing by EXAMINE', async () => {
    const client = await stand.enter();
    await append(client);
    const lines = await client.say('EXAMINE INBOX');
    expect(lines.at(-1)).toBe('OK [READ-ONLY] EXAMINE completed.');
    expect(lines).toContain('* OK [PERMANENTFLAGS ()] The mailbox is read-only.');
    expect(lines).toContain('* 1 RECENT');
    expect(await client.say('EXPUNGE')).toEqual([expect.stringMatching(/^NO \[/)]);
    expect(await client.say('STORE 1 +FLAGS (\\Deleted)')).toEqual([expect.stringMatching(/^NO \[/)]);
    await client.ok('CLOSE');
    const other = await stand.enter();
    expect(await other.ok('SELECT INBOX')).toContain('* 1 RECENT');
  });

  it('has nothing selected after a SELECT that fails', async () => {
    const client = await stand.inbox(1);
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
    const client = await stand.inbox(3);
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
    const client = await stand.inbox(3);
    const other = await stand.enter();
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
    const client = await stand.enter();
    await client.ok('SELECT Sent');
    const other = await stand.enter();
    await other.ok('SELECT Sent');
    await client.ok('DELETE Sent');
    expect(await client.say('FETCH 1 FLAGS')).toEqual(['BAD FETCH is not possible now.']);
    other.write('x NOOP\r\n');
    expect(await other.hears('BYE')).toMatch(/^\* BYE .*was deleted or replaced\.\r\n$/);
    await other.session.done;
    await client.ok('LOGOUT');
    await client.session.done;
    await stand.nothingLeft();
  });

  it('enables what it is asked to, once', async () => {
    const client = await stand.enter();
    expect(await client.say('ENABLE X-NONSENSE')).toEqual(['* ENABLED', 'OK ENABLE completed.']);
    expect(await client.ok('ENABLE CONDSTORE x')).toEqual(['* ENABLED CONDSTORE']);
    expect(await client.ok('ENABLE condstore')).toEqual(['* ENABLED']);
    expect(await client.say('ENABLE')).toEqual([expect.stringMatching(/^BAD/)]);
    await append(client);
    await client.ok('SELECT INBOX');
    const other = await stand.enter();
    await other.ok('SELECT INBOX');
    await other.ok('STORE 1 +FLAGS (\\Seen)');
    expect(await client.ok('NOOP')).toEqual([
      `* 1 FETCH (UID 1 FLAGS (\\Seen \\Recent) MODSEQ (${stand.account.box('INBOX').at}))`,
    ]);
  });

  it('tells where modseqs stand when they are asked for first within a mailbox', async () => {
    const client = await stand.inbox(1);
    const { at } = stand.account.box('INBOX');
    expect(await client.ok('FETCH 1 (MODSEQ)')).toEqual([
      `* 1 FETCH (MODSEQ (${at}))`,
      `* OK [HIGHESTMODSEQ ${at}] Mod-sequences are told from now on.`,
    ]);
    expect(await client.ok('FETCH 1 (MODSEQ)')).toHaveLength(1);
    expect(await client.ok('STORE 1 +FLAGS.SILENT (\\Seen)')).toEqual([
      `* 1 FETCH (UID 1 MODSEQ (${stand.account.box('INBOX').at}))`,
    ]);
  });
});
