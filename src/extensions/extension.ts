import type { AnyCommand } from '../commands/command.ts';

/** What capabilities depend on before login. */
export interface CapabilityContext {
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
  capabilities?(context: CapabilityContext): readonly string[];
}
