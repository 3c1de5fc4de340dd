import type { MailboxId, ModSeq, Uid } from '../../mail/ids.ts';
import type { Query } from '../../mail/query.ts';
import type { SearchPage } from '../index/index-port.ts';
import type { OpenAccount } from './open-account.ts';

interface Found {
  readonly uids: Uint32Array;
  readonly maxModSeq: ModSeq;
}

/** What is found of a page; a promise, so that the index looks at the next page meanwhile. */
type Finding = Promise<Found>;

/**
 * Searches a mailbox page by page: the index answers what it can, the scanner reads the texts of those it could not decide. One page is
 * scanned while the index works on the next.
 * @throws MailError; the signal's reason
 */
export async function search(
  account: OpenAccount,
  mailbox: MailboxId,
  query: Query,
  signal: AbortSignal,
): Promise<Found> {
  const found: Found[] = [];
  let finding: Finding | undefined;
  let after: Uid | undefined = 0 as Uid;
  try {
    while (after !== undefined) {
      signal.throwIfAborted();
      const page: SearchPage = await account.index.search(mailbox, query, after);
      if (finding) found.push(await finding);
      finding = decide(account, page, signal);
      // Awaited a page later, or below: until then its failure is nobody's.
      finding.catch(() => {});
      after = page.next;
    }
    if (finding) found.push(await finding);
  } finally {
    await finding?.catch(() => {});
  }
  return { uids: joined(found), maxModSeq: latest(found.map(page => page.maxModSeq)) };
}

async function decide(
  { id, scanner }: OpenAccount,
  { found, undecided, residuals, maxModSeq }: SearchPage,
  signal: AbortSignal,
): Finding {
  if (undecided.length === 0) return { uids: found, maxModSeq };
  const items = undecided.map(({ content, residual }) => ({ content, residual: queryAt(residuals, residual) }));
  const answers = await scanner.scan(id, items, signal);
  const matching = undecided.filter((_, place) => answers[place]);
  return {
    uids: Uint32Array.from([...found, ...matching.map(({ content }) => content.uid)]).sort(),
    maxModSeq: latest([maxModSeq, ...matching.map(({ modseq }) => modseq)]),
  };
}

function queryAt(residuals: readonly Query[], place: number): Query {
  const query = residuals[place];
  if (!query) throw new TypeError(`the index gave no residual ${place}`);
  return query;
}

function joined(pages: readonly Found[]): Uint32Array {
  const uids = new Uint32Array(pages.reduce((sum, page) => sum + page.uids.length, 0));
  let at = 0;
  for (const page of pages) {
    uids.set(page.uids, at);
    at += page.uids.length;
  }
  return uids;
}

function latest(modseqs: readonly ModSeq[]): ModSeq {
  return modseqs.reduce<number>((most, modseq) => Math.max(most, modseq), 0) as ModSeq;
}
