import type { AccountId } from '../../src/mail/ids.ts';
import type { BlobId } from '../../src/store/blobs/blob-id.ts';
import type { Candidates, IndexedText, TextIndex } from '../../src/store/text/text-index.ts';

const GRAM = 3;

/** Trigrams in memory: what the suite of the port is tried on. */
export class MemoryTextIndex implements TextIndex {
  readonly #accounts = new Map<AccountId, Map<BlobId, ReadonlySet<string>>>();

  async add(account: AccountId, texts: AsyncIterable<IndexedText>, signal: AbortSignal): Promise<void> {
    const kept = this.#accounts.get(account) ?? new Map<BlobId, ReadonlySet<string>>();
    this.#accounts.set(account, kept);
    for await (const { blob, text } of texts) {
      signal.throwIfAborted();
      let whole = '';
      for await (const piece of text) whole += piece;
      if (!kept.has(blob)) kept.set(blob, new Set(grams(whole)));
    }
  }

  async remove(account: AccountId, blobs: readonly BlobId[]): Promise<void> {
    for (const blob of blobs) this.#accounts.get(account)?.delete(blob);
  }

  async known(account: AccountId, blobs: readonly BlobId[]): Promise<ReadonlySet<BlobId>> {
    return new Set(blobs.filter(blob => this.#accounts.get(account)?.has(blob)));
  }

  async candidates(account: AccountId, needle: string): Promise<Candidates> {
    if (needle.length < GRAM) return { blobs: undefined };
    const wanted = grams(needle);
    const all = [...(this.#accounts.get(account) ?? [])];
    return { blobs: new Set(all.filter(([, has]) => wanted.every(gram => has.has(gram))).map(([blob]) => blob)) };
  }

  async drop(account: AccountId): Promise<void> {
    this.#accounts.delete(account);
  }

  async close(): Promise<void> {}
}

function grams(text: string): string[] {
  return Array.from({ length: Math.max(0, text.length - GRAM + 1) }, (_, at) => text.slice(at, at + GRAM));
}
