import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AccountId } from '../../src/mail/ids.ts';
import { DataFolderError, takeDataFolder } from '../../src/store/data-lock.ts';
import { accountPlaces, accountsIn, dataPlaces } from '../../src/store/data-places.ts';

const scratch = mkdtempSync(join(tmpdir(), 'postern-data-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function failure(root: string): DataFolderError {
  try {
    takeDataFolder(root).release();
  } catch (error) {
    if (error instanceof DataFolderError) return error;
    throw error;
  }
  throw new Error('the folder was taken');
}

describe('a data folder', () => {
  it('is made for its owner alone, taken once, and free again when released', () => {
    const root = join(scratch, 'new', 'data');
    const lock = takeDataFolder(root);
    expect(statSync(root).mode & 0o777).toBe(0o700);
    expect(statSync(join(root, 'lock.db')).mode & 0o777).toBe(0o600);
    expect(failure(root)).toMatchObject({ kind: 'taken', message: expect.stringContaining(root) });
    lock.release();
    takeDataFolder(root).release();
  });

  it('is kept from other processes, until its own is killed', async () => {
    const root = join(scratch, 'killed');
    const lock = JSON.stringify(new URL('../../src/store/data-lock.ts', import.meta.url).href);
    const code = `import { takeDataFolder } from ${lock};
      takeDataFolder(process.argv[1]); console.log('taken'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code, root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise(resolve => child.once('exit', resolve));
    await new Promise(resolve => child.stdout.once('data', resolve));
    expect(failure(root).kind).toBe('taken');
    child.kill('SIGKILL');
    await ended;
    takeDataFolder(root).release();
  });

  it('that is a file, or below one, is unusable, and the message says what to do', () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    for (const root of [file, join(file, 'below')]) {
      const error = failure(root);
      expect(error.kind).toBe('unusable');
      expect(error.message).toContain(root);
      expect(error.message).toContain(error.mend);
    }
  });

  it.skipIf(process.getuid?.() === 0)('that may not be written is unusable', () => {
    const root = join(scratch, 'locked');
    mkdirSync(root);
    chmodSync(root, 0o500);
    expect(failure(root)).toMatchObject({ kind: 'unusable' });
  });
});

it('accounts are found by their folders, and nothing else is taken for one', async () => {
  const { accounts } = dataPlaces(join(scratch, 'layout'));
  const found = async () => {
    const ids: AccountId[] = [];
    for await (const id of accountsIn(accounts)) ids.push(id);
    return ids;
  };
  expect(await found()).toEqual([]);
  const ids = ['aabbccddeeffgghhiijjkkllme', 'saylh5jlhc477kkm734n5xg5oy'];
  for (const name of [...ids, 'lost+found', 'aa', 'saylh5jlhc477kkm734n5xg5ob']) {
    mkdirSync(join(accounts, name.slice(0, 2), name), { recursive: true });
  }
  mkdirSync(join(accounts, 'xx', ids[0] ?? ''), { recursive: true });
  writeFileSync(join(accounts, 'note.txt'), '');
  const got = await found();
  expect(got).toEqual(ids);
  expect(got.map(id => accountPlaces(accounts, id).index)).toEqual(
    ids.map(id => join(accounts, id.slice(0, 2), id, 'index.db')),
  );
});
