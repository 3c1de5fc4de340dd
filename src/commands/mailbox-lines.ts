import { setImmediate as turn } from 'node:timers/promises';

const PIECE_CHARACTERS = 32 * 1024;
/** How long others wait at most while names are compared. */
const SLICE_MS = 10;

/** The lines of those items that have some, in pieces; everybody else has their turn in between, whether there are any or not. */
export async function* linesOf<T>(
  items: Iterable<T>,
  line: (item: T) => string,
): AsyncGenerator<string, void, undefined> {
  let piece = '';
  let since = performance.now();
  for (const item of items) {
    piece += line(item);
    if (piece.length >= PIECE_CHARACTERS) {
      yield piece;
      piece = '';
    }
    if (performance.now() - since < SLICE_MS) continue;
    await turn();
    since = performance.now();
  }
  if (piece !== '') yield piece;
}
