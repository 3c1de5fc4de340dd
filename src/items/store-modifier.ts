import type { ModSeq } from '../mail/ids.ts';
import type { Scanner } from '../wire/scanner.ts';

/** What may precede STORE's flags in parentheses (RFC 4466 §2.5). */
export interface StoreModifier {
  readonly name: string;
  /** @throws Malformed */
  parse(scanner: Scanner): StoreConditions;
}

export interface StoreConditions {
  /** Messages that have changed since are left alone (RFC 7162 §3.1.3). */
  readonly unchangedSince?: ModSeq;
  readonly uses?: string;
}
