import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LAST_UID } from '../../../src/mail/ids.ts';
import { AccountDatabase } from '../../../src/store/index/account-database.ts';
import { accountFolder, openAccountFile } from '../../../src/store/index/account-file.ts';
import { Database } from '../../../src/store/index/database.ts';
import type { Index } from '../../../src/store/index/index-port.ts';
import { MIGRATIONS } from '../../../src/store/index/schema.ts';
import { openSqliteIndex, type SqliteIndexOptions } from '../../../src/store/index/sqlite-index.ts';
import { account, everything, newRow, uid } from './new-row.ts';

const LIMITS = { mailboxesMost: 5, nameOctetsMost: 100, now: Date.now };
const MAILBOXES = { mailboxes: [] };

let root: string;
let opened: Index[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'postern-index-faults-'));
  opened = [];
});
afterEach(async () => {
  for (const index of opened) await index.close();
  rmSync(root, { recursive: true });
});

const open = (options: Partial<SqliteIndexOptions> = {}) => {
  const index = openSqliteIndex({ directory: root, threads: 1, ...options });
  opened.push(index);
  return index;
};
const one = account('one');
const file = (name = 'index.db') => join(accountFolder(root, one), name);
const filled = async (index: Index) => {
  const opened = await index.open(one, MAILBOXES);
  const { id } = await opened.find('INBOX');
  await opened.append(id, [newRow('a'), newRow('b')]);
  return { opened, id };
};

describe('an index file', () => {
  it('that is missing is not made anew over what was lost', async () => {
    const index = open();
    const { opened } = await filled(index);
    await opened.close();
    rmSync(file());
    await expect(index.open(one, MAILBOXES)).rejects.toMatchObject({ kind: 'damaged' });
    await expect(opened.find('INBOX')).rejects.toMatchObject({ kind: 'damaged' });
    expect(existsSync(file())).toBe(false);
    const other = await index.open(account('other'), MAILBOXES);
    expect(await other.find('INBOX')).toMatchObject({ exists: 0 });
  });

  it('that is empty or no database is damaged, and others are not', async () => {
    const index = open();
    const { opened } = await filled(index);
    for (const content of [Buffer.alloc(0), Buffer.alloc(10_000, 'no database')]) {
      await opened.close();
      writeFileSync(file(), content);
      rmSync(file('index.db-wal'), { force: true });
      await expect(index.open(one, MAILBOXES)).rejects.toMatchObject({ kind: 'damaged' });
      expect(await (await index.open(account('other'), MAILBOXES)).verify()).toEqual([]);
    }
  });

  it('with damage inside says so, and is opened anew when it was mended', async () => {
    const index = open();
    const { opened, id } = await filled(index);
    await opened.close();
    const sound = readFileSync(file());
    const broken = Buffer.from(sound);
    broken.fill(0xff, 4096);
    writeFileSync(file(), broken);
    await expect(opened.rows(id, everything, ['flags'], uid(0), 10)).rejects.toMatchObject({ kind: 'damaged' });
    writeFileSync(file(), sound);
    expect([...(await opened.rows(id, everything, ['flags'], uid(0), 10)).uids]).toEqual([1, 2]);
  });

  it('that is taken away while it is open acknowledges nothing more', async () => {
    const index = open();
    const { opened, id } = await filled(index);
    renameSync(file(), file('elsewhere.db'));
    await expect(opened.append(id, [newRow('lost')])).rejects.toMatchObject({ kind: 'damaged' });
    await expect(opened.append(id, [newRow('lost')])).rejects.toMatchObject({ kind: 'damaged' });
    renameSync(file('elsewhere.db'), file());
    await opened.append(id, [newRow('c')]);
    expect(await opened.verify()).toEqual([]);
  });

  it('of a later version is left as it is', async () => {
    const index = open();
    const { opened } = await filled(index);
    await opened.close();
    const db = new Database(file());
    db.exec('PRAGMA user_version = 99');
    db.close();
    const hash = () => createHash('sha256').update(readFileSync(file())).digest('hex');
    const before = hash();
    await expect(index.open(one, MAILBOXES)).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(opened.find('INBOX')).rejects.toMatchObject({ kind: 'unavailable' });
    expect(hash()).toBe(before);
  });

  it('of an earlier version is brought forward, and a copy kept', async () => {
    const index = open();
    const { opened } = await filled(index);
    await opened.close();
    const folder = accountFolder(root, one);
    const migrations = [...MIGRATIONS, 'ALTER TABLE mailbox ADD COLUMN colour TEXT'];
    const broken = [...MIGRATIONS, 'ALTER TABLE mailbox ADD COLUMN colour TEXT; ALTER TABLE absent ADD COLUMN x'];
    await expect(openAccountFile(folder, undefined, broken)).rejects.toThrow(/no such table/);
    const db = await openAccountFile(folder, undefined, migrations);
    expect(db.get('SELECT colour FROM mailbox')).toEqual([null]);
    db.close();
    await expect(opened.find('INBOX')).rejects.toMatchObject({ kind: 'unavailable' });
    const copy = new Database(file('index.db.v1'), { readOnly: true });
    const kept = new AccountDatabase(copy, LIMITS);
    expect([kept.verify(), kept.find('INBOX').exists]).toEqual([[], 2]);
    // What cannot be written says so.
    expect(() => kept.edit({ kind: 'create', name: 'X' })).toThrow(expect.objectContaining({ kind: 'unavailable' }));
    copy.close();
  });

  it('that was never finished is made whole', async () => {
    const folder = accountFolder(root, one);
    const failing = openAccountFile(folder, () => {
      throw new Error('cut off');
    });
    await expect(failing).rejects.toThrow('cut off');
    await expect(open().open(one)).rejects.toMatchObject({ kind: 'nonexistent' });
    await filled(open());
  });
});

describe('a full disk', () => {
  it('refuses what does not fit, keeps what was there, and goes on when there is room', async () => {
    const db = await openAccountFile(accountFolder(root, one), made => new AccountDatabase(made, LIMITS).populate([]));
    const database = new AccountDatabase(db, LIMITS);
    const { id } = database.find('INBOX');
    const big = () => newRow('x', { header: new Uint8Array(50_000) });
    database.append(id, [big()]);
    db.exec('PRAGMA max_page_count = 60');
    let fitted = 1;
    const fill = () => {
      for (;;) {
        database.append(id, [big()]);
        fitted += 1;
      }
    };
    expect(fill).toThrow(expect.objectContaining({ kind: 'no-space' }));
    expect(() => database.append(id, [big(), big()])).toThrow(expect.objectContaining({ kind: 'no-space' }));
    expect(database.find('INBOX')).toMatchObject({ exists: fitted, uidNext: fitted + 1 });
    expect(database.verify()).toEqual([]);
    db.exec('PRAGMA max_page_count = 1000');
    expect(database.append(id, [big()]).first).toBe(fitted + 1);
    database.close();
  });
});

describe('limits', () => {
  it('are those of UIDs, which may lie far apart', async () => {
    const db = await openAccountFile(accountFolder(root, one), made => new AccountDatabase(made, LIMITS).populate([]));
    const database = new AccountDatabase(db, LIMITS);
    const { id, at } = database.find('INBOX');
    const uids: number[] = [];
    for (const next of [1, 3, 60_000, 200_001, 4_000_000_000, 4_294_967_294]) {
      db.run('UPDATE mailbox SET uid_next = ?', next);
      uids.push(database.append(id, [newRow(`${next}`)]).first);
    }
    uids.push(database.append(id, [newRow('last')]).first);
    expect(uids.at(-1)).toBe(LAST_UID);
    expect(() => database.append(id, [newRow('beyond')])).toThrow(expect.objectContaining({ kind: 'limit' }));
    expect(() => database.copy(id, everything, 'INBOX', false)).toThrow(expect.objectContaining({ kind: 'limit' }));
    for (const want of [['flags'], ['envelope']] as const) {
      expect([...database.rows(id, everything, want, uid(0), 100).uids]).toEqual(uids);
    }
    const found: number[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const page = database.search(id, { kind: 'all' }, uid(after));
      found.push(...page.found);
      after = page.next;
    }
    expect(found).toEqual(uids);
    expect([...database.changes(id, { modseq: at, uid: uid(0) }, 100).changed.uids]).toEqual(uids);
    expect(database.verify()).toEqual([]);
    database.close();
  });

  it('bound the mailboxes of an account', async () => {
    const opened = await open({ mailboxesMost: 3, nameOctetsMost: 10 }).open(one, MAILBOXES);
    await opened.edit({ kind: 'create', name: 'A' });
    await opened.edit({ kind: 'create', name: 'B' });
    await expect(opened.edit({ kind: 'create', name: 'C' })).rejects.toMatchObject({ kind: 'limit' });
    await expect(opened.edit({ kind: 'rename', from: 'A', to: '12345678901' })).rejects.toMatchObject({
      kind: 'limit',
    });
    await opened.edit({ kind: 'delete', name: 'A' });
    await opened.edit({ kind: 'create', name: 'C' });
  });
});

describe('a thread of the index', () => {
  const dying = () => {
    const died: unknown[] = [];
    const index = open({
      start: options => new Worker(new URL('./dying-thread.ts', import.meta.url), { workerData: options }),
      log: { error: (what: unknown) => died.push(what) },
    });
    return { index, died };
  };

  it.each(['die', 'throw'])('that dies (%s) takes only the calls that run, and is started again', async how => {
    const { index, died } = dying();
    const { opened, id } = await filled(index);
    const [first, second, ...rest] = await Promise.allSettled([
      opened.append(id, [newRow('c')]),
      opened.find(how),
      opened.find('INBOX'),
      opened.snapshot(id, false),
    ]);
    // It was before the end, but its answer may have been lost with the thread.
    expect(first?.status === 'fulfilled' || first?.reason.kind === 'unavailable').toBe(true);
    for (const one of [second, ...rest]) expect(one).toMatchObject({ reason: { kind: 'unavailable' } });
    expect(await opened.find('INBOX')).toMatchObject({ exists: 3 });
    expect(await opened.verify()).toEqual([]);
    expect(died).toHaveLength(1);
  });

  it('answers what is closed as unavailable, after what runs', async () => {
    const index = open();
    const { opened, id } = await filled(index);
    const running = Promise.all(Array.from({ length: 20 }, (_, n) => opened.append(id, [newRow(`${n}`)])));
    const closing = index.close();
    await expect(opened.find('INBOX')).rejects.toMatchObject({ kind: 'unavailable' });
    await closing;
    expect(await running).toHaveLength(20);
    await opened.close();
    await index.close();
    expect(await (await open().open(one)).find('INBOX')).toMatchObject({ exists: 22 });
  });

  it('tells a bug as a bug, with its stack', async () => {
    const { opened, id } = await filled(open());
    const [row] = [newRow('x')];
    await opened.append(id, [row]);
    const bug = await opened.append(id, [row]).catch((error: unknown) => error);
    expect(bug).toBeInstanceOf(Error);
    expect(bug).not.toHaveProperty('kind');
    expect(`${bug instanceof Error ? bug.stack : ''}`).toMatch(/UNIQUE constraint[\s\S]*appending/);
    expect(await opened.verify()).toEqual([]);
  });
});
