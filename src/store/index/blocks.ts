import type { Database } from './database.ts';
import { blockOf } from './schema.ts';

/** Says that rows of these UIDs may have changed at `modseq`; the mailbox's newest. See `schema.ts` on blocks. */
export function touchBlocks(db: Database, mailbox: number, first: number, last: number, modseq: number): void {
  db.run(
    'UPDATE block SET modseq = ? WHERE id BETWEEN ? AND ?',
    modseq,
    blockOf(mailbox, first),
    blockOf(mailbox, last),
  );
}

/** As `touchBlocks`, for new rows whose blocks may not be there yet. */
export function makeBlocks(db: Database, mailbox: number, first: number, last: number, modseq: number): void {
  for (let block = blockOf(mailbox, first); block <= blockOf(mailbox, last); block += 1) {
    db.run('INSERT INTO block (id, modseq) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET modseq = ?2', block, modseq);
  }
}
