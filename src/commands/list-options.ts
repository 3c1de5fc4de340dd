import type { HierarchyEntry } from '../imap/hierarchy.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';

/** Which mailboxes LIST tells of (RFC 5258 §3.1), besides that their names match. */
export interface SelectionOption {
  readonly name: string;
  keeps(entry: HierarchyEntry): boolean;
}

/** A new one is one more row. RFC 5258 §3: those that are not known are answered BAD. */
const SELECTION_OPTIONS: readonly SelectionOption[] = [
  // RFC 6154 §2.
  { name: 'SPECIAL-USE', keeps: ({ info }) => info.specialUse !== undefined },
];

/** What RETURN may ask for (RFC 5258 §3.2); these are told in any case. */
const RETURN_OPTIONS: ReadonlySet<string> = new Set(['CHILDREN', 'SPECIAL-USE']);

/** @throws Malformed */
export function scanSelectionOptions(scanner: Scanner): SelectionOption[] {
  return scanner.list(() => {
    const name = scanner.atom('an option').toUpperCase();
    const option = SELECTION_OPTIONS.find(known => known.name === name);
    if (!option) throw new Malformed('an option is not known');
    return option;
  });
}

/** `RETURN (...)`. @throws Malformed */
export function scanReturnOptions(scanner: Scanner): void {
  if (scanner.atom('RETURN').toUpperCase() !== 'RETURN') throw new Malformed('RETURN was expected');
  scanner.space();
  scanner.list(() => {
    if (!RETURN_OPTIONS.has(scanner.atom('an option').toUpperCase())) throw new Malformed('an option is not known');
  });
}
