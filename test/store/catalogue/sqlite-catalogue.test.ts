import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Catalogue } from '../../../src/store/catalogue/catalogue.ts';
import { CatalogueDatabase } from '../../../src/store/catalogue/catalogue-database.ts';
import { openSqliteCatalogue } from '../../../src/store/catalogue/sqlite-catalogue.ts';
import { account } from '../index/new-row.ts';

let folder: string;
let path: string;
let catalogue: Catalogue;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-catalogue-'));
  path = join(folder, 'postern.db');
  catalogue = openSqliteCatalogue(path);
});
afterEach(async () => {
  await catalogue.close();
  rmSync(folder, { recursive: true });
});

const alice = { directory: 'corp', entry: 'uuid-1', login: 'alice@example.org' };

describe('the catalogue', () => {
  it('knows who was recorded, also after a restart', async () => {
    const start = Date.now();
    expect(await catalogue.find(account('a'))).toBeUndefined();
    await catalogue.record(account('a'), alice);
    const found = await catalogue.find(account('a'));
    expect(found).toMatchObject({ account: account('a'), ...alice });
    expect(found?.created).toBeGreaterThanOrEqual(start);
    expect(found?.seen).toBe(found?.created);
    await catalogue.close();
    catalogue = openSqliteCatalogue(path);
    expect(await catalogue.find(account('a'))).toEqual(found);
    await catalogue.forget(account('a'));
    expect(await catalogue.find(account('a'))).toBeUndefined();
  });

  it('follows an owner to another login, and a login to another owner', async () => {
    await catalogue.record(account('a'), alice);
    await catalogue.record(account('a'), { ...alice, login: 'alice.smith@example.org' });
    await catalogue.record(account('b'), { ...alice, entry: 'uuid-2' });
    expect(await catalogue.find(account('a'))).toMatchObject({ login: 'alice.smith@example.org' });
    expect((await catalogue.findByLogin(alice.login)).map(one => one.account)).toEqual([account('b')]);
    await expect(catalogue.record(account('c'), alice)).rejects.toThrow(/UNIQUE/);
  });

  it('lists page by page', async () => {
    const names = Array.from({ length: 7 }, (_, n) => `${n}`);
    await Promise.all(names.map(entry => catalogue.record(account(entry), { ...alice, entry })));
    const first = await catalogue.list(undefined, 4);
    const second = await catalogue.list(first.at(-1)?.account, 4);
    expect([...first, ...second].map(one => one.account)).toEqual(names.map(account).sort());
    expect(second).toHaveLength(3);
  });

  it('writes that somebody was seen once an hour', async () => {
    let now = 1_000_000_000_000;
    const database = await CatalogueDatabase.open(join(folder, 'other.db'), () => now);
    const seen = (later: number) => {
      now += later;
      database.record(account('a'), alice);
      return database.find(account('a'))?.seen;
    };
    expect([seen(0), seen(3_599_999), seen(1), seen(-10_000_000)]).toEqual([
      1_000_000_000_000, 1_000_000_000_000, 1_000_003_600_000, 1_000_003_600_000,
    ]);
    database.close();
  });

  it('is copied, and says when it is damaged, until it is put back', async () => {
    await catalogue.record(account('a'), alice);
    const copy = join(folder, 'copy.db');
    await catalogue.copyTo(copy);
    await catalogue.close();
    writeFileSync(path, 'no database at all, but long enough to be read as one'.repeat(100));
    catalogue = openSqliteCatalogue(path);
    await expect(catalogue.list(undefined, 1)).rejects.toMatchObject({ kind: 'damaged' });
    writeFileSync(path, readFileSync(copy));
    expect(await catalogue.find(account('a'))).toMatchObject(alice);
  });
});
