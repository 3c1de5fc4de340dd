import { isDeepStrictEqual } from 'node:util';

/** Things opened from parts of the configuration, by name. */
export interface Kept<Part, Thing> {
  readonly part: Part;
  readonly thing: Thing;
}

/**
 * The things that a configuration asks for: those whose part has not changed are carried over as they are, with their
 * connections and what they have learnt; the others are opened anew.
 * @returns all that are wanted now, and the old ones that are not wanted any more, for closing once nobody uses them
 */
export function carryOver<Part, Thing>(
  wanted: Readonly<Record<string, Part>>,
  before: ReadonlyMap<string, Kept<Part, Thing>>,
  open: (name: string, part: Part) => Thing,
): { now: Map<string, Kept<Part, Thing>>; opened: Thing[]; dropped: Thing[] } {
  const now = new Map<string, Kept<Part, Thing>>();
  const opened: Thing[] = [];
  for (const [name, part] of Object.entries(wanted)) {
    const old = before.get(name);
    if (old && isDeepStrictEqual(old.part, part)) {
      now.set(name, old);
      continue;
    }
    const thing = open(name, part);
    opened.push(thing);
    now.set(name, { part, thing });
  }
  const dropped = [...before].filter(([name, old]) => now.get(name)?.thing !== old.thing).map(([, { thing }]) => thing);
  return { now, opened, dropped };
}

/** The things alone, by name. */
export function things<Part, Thing>(kept: ReadonlyMap<string, Kept<Part, Thing>>): Map<string, Thing> {
  return new Map([...kept].map(([name, { thing }]) => [name, thing]));
}
