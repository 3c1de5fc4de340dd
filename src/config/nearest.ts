/**
 * The known name that was probably meant; undefined when none is near. Near is one slip for each three letters (two letters
 * swapped count as one slip), or, after those, a name that the other begins with.
 */
export function nearest(written: string, known: Iterable<string>): string | undefined {
  const wanted = fold(written);
  let best: { name: string; distance: number } | undefined;
  for (const name of known) {
    const distance = distanceBetween(wanted, fold(name));
    if (distance !== undefined && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { name, distance };
  }
  return best?.name;
}

function distanceBetween(a: string, b: string): number | undefined {
  const shorter = Math.min(a.length, b.length);
  const allowed = Math.max(1, Math.floor(Math.max(a.length, b.length) / 3));
  const distance = editDistance(a, b);
  if (distance <= allowed && distance < a.length) return distance;
  return shorter >= 3 && (a.startsWith(b) || b.startsWith(a)) ? allowed + 1 : undefined;
}

/** Hyphens, underscores and case are what people get wrong first. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '').slice(0, 64);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}

/** `did you mean "x"?`, or the names there are. */
export function suggest(written: string, known: readonly string[], otherwise: string): string {
  const near = nearest(written, known);
  return near === undefined ? otherwise : `did you mean "${near}"?`;
}
