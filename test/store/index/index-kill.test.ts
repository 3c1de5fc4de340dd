import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { flagNames } from '../../../src/mail/flags.ts';
import type { AccountIndex } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { long } from '../../support/long.ts';
import { account, everything, uid } from './new-row.ts';

const ROUNDS = long ? 50 : 5;
const writer = fileURLToPath(new URL('./index-writer.ts', import.meta.url));

/** Where each message is: "INBOX +\\Flagged". */
async function places(opened: AccountIndex): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const name of ['INBOX', 'Copy', 'Moved']) {
    const { id } = await opened.find(name);
    let after = uid(0);
    for (;;) {
      const page = await opened.rows(id, everything, ['flags', 'emailId', 'header'], after, 1000);
      for (const [place, mask] of [...(page.flags ?? [])].entries()) {
        const key = page.emailIds?.[place] ?? '';
        const flags = flagNames(mask, page.keywords).filter(flag => flag.startsWith('\\'));
        found.set(key, (found.get(key) ?? new Set()).add([name, ...flags].join(' ')));
      }
      if (page.next === undefined) break;
      after = page.next;
    }
  }
  return found;
}

/** The stage a message has come to, by where it is. */
const STAGES: Readonly<Record<string, number>> = {
  '': 0,
  INBOX: 1,
  'INBOX \\Flagged': 2,
  'Copy \\Flagged,INBOX \\Flagged': 3,
  'Copy \\Flagged,Moved \\Flagged': 4,
  'Copy \\Flagged,Moved \\Flagged \\Deleted': 5,
  'Copy \\Flagged': 6,
};

it('keeps what it acknowledged through kill -9, and nothing by half', { timeout: ROUNDS * 20_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'postern-index-kill-'));
  const begun = new Map<string, number>();
  const acknowledged = new Map<string, number>();
  let uncertain = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const child = spawn(process.execPath, [writer, directory, `${round}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = text(child.stdout);
    await once(child.stdout, 'readable');
    setTimeout(() => child.kill('SIGKILL'), 100 + 137 * (round % 4));
    await once(child, 'exit');
    for (const line of (await said).split('\n')) {
      const [what, stage, key = ''] = line.split(' ');
      if (what === 'b') begun.set(key, Number(stage));
      if (what === 'e') acknowledged.set(key, Number(stage));
    }

    const index = openSqliteIndex({ directory, threads: 0 });
    const opened = await index.open(account('written'));
    expect(await opened.verify()).toEqual([]);
    const found = await places(opened);
    for (const [key, started] of begun) {
      const where = [...(found.get(key) ?? [])].sort().join();
      const stage = STAGES[where];
      expect(stage, `${key} is in ${where}`).toBeDefined();
      const sure = acknowledged.get(key) ?? 0;
      if (started !== sure) uncertain += 1;
      expect(stage, key).toBeGreaterThanOrEqual(sure);
      expect(stage, key).toBeLessThanOrEqual(started);
      // It stays as it is: the next round has other messages.
      begun.set(key, stage ?? 0);
      acknowledged.set(key, stage ?? 0);
    }
    for (const key of found.keys()) expect(begun.has(key)).toBe(true);
    await index.close();
  }
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * 10);
  expect(uncertain).toBeGreaterThan(0);
  rmSync(directory, { recursive: true });
});
