import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../../src/mail/ids.ts';
import type { BlobId } from '../../src/store/blobs/blob-id.ts';
import type { IndexedText, TextIndex } from '../../src/store/text/text-index.ts';

const alice = 'alice' as AccountId;
const bob = 'bob' as AccountId;
const id = (number: number) => number.toString(16).padStart(32, '0') as BlobId;
const signal = new AbortController().signal;

async function* texts(...given: readonly (readonly [number, ...string[]])[]): AsyncGenerator<IndexedText> {
  for (const [number, ...pieces] of given) yield { blob: id(number), text: each(pieces) };
}

async function* each(pieces: readonly string[]): AsyncGenerator<string> {
  yield* pieces;
}

/** What every `TextIndex` does. @param open an empty one for each test */
export function textIndexConformance(name: string, open: () => Promise<TextIndex>): void {
  describe(`${name} finds texts`, () => {
    let index: TextIndex;
    beforeEach(async () => {
      index = await open();
    });
    afterEach(() => index.close());
    /** Whether each of the blobs may hold the needle. */
    const may = async (account: AccountId, needle: string, ...numbers: readonly number[]) => {
      const { blobs } = await index.candidates(account, needle, signal);
      return numbers.map(number => blobs === undefined || blobs.has(id(number)));
    };

    it('never leaves out one that holds the needle, wherever it is and however the text was cut', async () => {
      await index.add(
        alice,
        texts([1, 'the needle'], [2, 'in a hay', 'stack'], [3, 'n', 'ee', 'dle'], [4, '']),
        signal,
      );
      expect(await may(alice, 'needle', 1, 3)).toEqual([true, true]);
      expect(await may(alice, 'haystack', 2)).toEqual([true]);
      // Substrings, not words.
      expect(await may(alice, 'eedl', 1, 3)).toEqual([true, true]);
      expect(await may(alice, 'a haystack', 2)).toEqual([true]);
    });

    it('leaves out what has nothing of it', async () => {
      await index.add(alice, texts([1, 'the needle'], [2, 'zzzzzzzzzz']), signal);
      expect(await may(alice, 'needle', 2)).toEqual([false]);
      expect(await may(alice, 'nowhere at all', 1, 2)).toEqual([false, false]);
    });

    it('finds other scripts', async () => {
      await index.add(alice, texts([1, '来週の打ち合わせについて'], [2, 'отчёт о переносе']), signal);
      expect(await may(alice, '打ち合わせ', 1)).toEqual([true]);
      expect(await may(alice, 'переносе', 2)).toEqual([true]);
    });

    it('finds short needles, or says that it cannot', async () => {
      await index.add(alice, texts([1, 'xy'], [2, 'a']), signal);
      expect(await may(alice, 'xy', 1)).toEqual([true]);
      expect(await may(alice, 'a', 2)).toEqual([true]);
    });

    it('keeps accounts apart', async () => {
      await index.add(alice, texts([1, 'only mine']), signal);
      await index.add(bob, texts([2, 'only mine']), signal);
      const { blobs } = await index.candidates(bob, 'only mine', signal);
      expect(blobs?.has(id(1)) ?? false).toBe(false);
      await index.drop(bob);
      expect(await index.known(bob, [id(2)])).toEqual(new Set());
      expect(await index.known(alice, [id(1)])).toEqual(new Set([id(1)]));
    });

    it('knows what it has, and forgets what is removed', async () => {
      await index.add(alice, texts([1, 'one text'], [2, 'two texts']), signal);
      expect(await index.known(alice, [id(1), id(2), id(3)])).toEqual(new Set([id(1), id(2)]));
      await index.remove(alice, [id(1), id(3)]);
      expect(await index.known(alice, [id(1), id(2)])).toEqual(new Set([id(2)]));
      const { blobs } = await index.candidates(alice, 'one text', signal);
      expect(blobs?.has(id(1)) ?? false).toBe(false);
    });

    it('takes a blob again without harm', async () => {
      await index.add(alice, texts([1, 'one text']), signal);
      await index.add(alice, texts([1, 'one text']), signal);
      expect(await may(alice, 'one text', 1)).toEqual([true]);
      await index.remove(alice, [id(1)]);
      expect(await index.known(alice, [id(1)])).toEqual(new Set());
    });

    it('does not count as known what it was stopped in', async () => {
      async function* broken(): AsyncGenerator<string> {
        yield 'half of';
        throw new Error('the text cannot be read');
      }
      async function* given(): AsyncGenerator<IndexedText> {
        yield { blob: id(1), text: broken() };
      }
      await expect(index.add(alice, given(), signal)).rejects.toThrow();
      expect(await index.known(alice, [id(1)])).toEqual(new Set());
    });
  });
}
