import type { AnyCommand } from '../commands/command.ts';
import type { Vocabulary, Words } from '../items/vocabulary.ts';

/** What capabilities depend on. */
export interface CapabilityContext {
  /** Whether the session serves mailboxes: it is past its login. */
  readonly serving: boolean;
  /** Whether a password may be sent now. */
  readonly secure: boolean;
  readonly startTlsPossible: boolean;
  /** Names of the SASL mechanisms offered. */
  readonly mechanisms: readonly string[];
  /** What every upstream that a relay route can reach understands; bytes pipelined behind the login go there unread. */
  readonly upstreamLiterals: 'LITERAL+' | 'LITERAL-' | undefined;
}

/** What one RFC brings. */
export interface Extension {
  /** The RFC and its title. */
  readonly source: string;
  readonly commands?: readonly AnyCommand[];
  /** What it adds to the grammar of FETCH, STORE and SEARCH. */
  readonly words?: Words;
  /** Commands to whose grammar extensions add. */
  openCommands?(vocabulary: Vocabulary): readonly AnyCommand[];
  /** What may follow UID (RFC 9051 §6.4.9), by the second name. */
  uidCommands?(vocabulary: Vocabulary): readonly AnyCommand[];
  capabilities?(context: CapabilityContext): readonly string[];
  /** What ENABLE turns on (RFC 5161), in capitals. */
  readonly enables?: readonly string[];
}
