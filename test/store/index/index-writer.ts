/** A process that writes to an index until it is killed, and says what it begins and what was acknowledged: `b STAGE KEY`, `e STAGE KEY`. */
import { writeSync } from 'node:fs';
import { newBlobId } from '../../../src/store/blobs/blob-id.ts';
import type { AccountIndex } from '../../../src/store/index/index-port.ts';
import { openSqliteIndex } from '../../../src/store/index/sqlite-index.ts';
import { account, never, newRow, range, uid } from './new-row.ts';

const [directory = '', round = ''] = process.argv.slice(2);
const index = openSqliteIndex({ directory, threads: 1 });
const opened = await index.open(account('written'), {
  mailboxes: ['Copy', 'Moved'].map(name => ({ kind: 'create', name, subscribe: false }) as const),
});
const inbox = (await opened.find('INBOX')).id;
const moved = (await opened.find('Moved')).id;

/** What happens to a message, in order. */
async function live(to: AccountIndex, key: string): Promise<void> {
  const stage = async <T>(number: number, work: () => Promise<T>): Promise<T> => {
    writeSync(1, `b ${number} ${key}\n`);
    const result = await work();
    writeSync(1, `e ${number} ${key}\n`);
    return result;
  };
  const blob = newBlobId(Date.now(), octets => crypto.getRandomValues(new Uint8Array(octets)));
  const row = newRow(key, { blob, emailId: key });
  const { first } = await stage(1, () => to.append(inbox, [row]));
  await stage(2, () =>
    to.setFlags(inbox, range(first), { kind: 'add', flags: ['\\Flagged', `Key${first % 40}`] }, { viewAt: never }),
  );
  await stage(3, () => to.copy(inbox, range(first), 'Copy', false));
  const there = (await stage(4, () => to.copy(inbox, range(first), 'Moved', true))).to[0]?.[0] ?? uid(0);
  await stage(5, () => to.setFlags(moved, range(there), { kind: 'add', flags: ['\\Deleted'] }, { viewAt: never }));
  await stage(6, () => to.expunge(moved, range(there)));
}

await Promise.all(
  Array.from({ length: 8 }, async (_, writer) => {
    for (let n = 0; ; n += 1) await live(opened, `r${round}w${writer}n${n}`);
  }),
);
