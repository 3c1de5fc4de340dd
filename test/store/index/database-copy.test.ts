import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { Database } from '../../../src/store/index/database.ts';
import { copyDatabase } from '../../../src/store/index/database-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-copy-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Holds this thread, as a long write does, while SQLite copies in another. */
function hold(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

it('a copy begun while its own connection writes is made when the write has ended', async () => {
  const db = new Database(join(folder, 'index.db'));
  db.connection.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)');
  db.connection.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (1)');
  const path = join(folder, 'copy.db');
  const copied = copyDatabase(db, path);
  hold(200);
  db.connection.exec('COMMIT');
  await copied;
  const copy = new Database(path, { readOnly: true });
  expect(copy.get('SELECT count(*) FROM t')).toEqual([1]);
  copy.connection.close();
  db.connection.close();
});
