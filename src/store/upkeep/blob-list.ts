import { open } from 'node:fs/promises';
import { type BlobId, isBlobId } from '../blobs/blob-id.ts';
import type { AccountIndex } from '../index/index-port.ts';
import { linesOf } from './backup-folder.ts';

/** A blob that an index refers to, and what its content must hash to. */
export interface ListedBlob {
  readonly blob: BlobId;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

const PAGE = 1000;

/** All blobs that an index refers to, ascending by id, without holding more than a page. */
export async function* referencesOf(index: AccountIndex): AsyncGenerator<ListedBlob> {
  let after: BlobId | undefined;
  for (;;) {
    const page = await index.references(after, PAGE);
    for (const { blob, sha256 } of page) yield { blob, sha256: Buffer.from(sha256).toString('hex') };
    after = page.at(-1)?.blob;
    if (after === undefined || page.length < PAGE) return;
  }
}

/** Writes a list line by line. */
export async function openBlobList(path: string) {
  const file = await open(path, 'w', 0o600);
  let lines: string[] = [];
  const flush = async () => {
    const text = lines.join('');
    lines = [];
    await file.write(text);
  };
  return {
    async add({ blob, sha256 }: ListedBlob): Promise<void> {
      lines.push(`${blob} ${sha256}\n`);
      if (lines.length >= PAGE) await flush();
    },
    async close(): Promise<void> {
      try {
        await flush();
        await file.sync();
      } finally {
        await file.close();
      }
    },
  };
}

/** @throws TypeError when a line is not one of a list */
export async function* readBlobList(path: string): AsyncGenerator<ListedBlob> {
  for await (const line of linesOf(path)) {
    const [blob = '', sha256 = '', ...more] = line.split(' ');
    if (!isBlobId(blob) || !/^[0-9a-f]{64}$/.test(sha256) || more.length > 0) throw new TypeError(`${path} is damaged`);
    yield { blob, sha256 };
  }
}

/** Tells of ascending ids which ones an older list has, reading it once. */
export class OlderList {
  readonly #lines: AsyncGenerator<ListedBlob>;
  #at: BlobId | undefined;

  constructor(lines: AsyncGenerator<ListedBlob>) {
    this.#lines = lines;
  }

  async has(id: BlobId): Promise<boolean> {
    while (this.#at === undefined || this.#at < id) {
      const { value, done } = await this.#lines.next();
      if (done === true) return false;
      this.#at = value.blob;
    }
    return this.#at === id;
  }

  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }
}
