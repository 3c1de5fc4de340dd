import type { SaslMechanism } from '../auth/sasl/mechanism.ts';
import type { Limits } from '../config/schema.ts';
import type { Registry } from '../extensions/registry.ts';
import type { TlsContexts } from '../net/client-connection.ts';
import type { AuditLog } from '../observe/audit.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Eavesdropper } from '../observe/protocol-trace.ts';
import type { SessionRegistry } from '../observe/session-registry.ts';
import type { Gate } from './gate.ts';

/** What follows from the configuration; a reload puts another one in its place. */
export interface Settings {
  readonly serverName: string;
  readonly limits: Limits;
  readonly mechanisms: readonly SaslMechanism[];
  /** Of the listeners that have their own, by name. */
  readonly mechanismsAt?: ReadonlyMap<string, readonly SaslMechanism[]>;
  readonly gate: Gate;
  /** What every upstream that a relay route can reach understands. */
  upstreamLiterals(): 'LITERAL+' | 'LITERAL-' | undefined;
}

/** What lasts as long as the process. */
export interface SessionServices {
  readonly settings: () => Settings;
  readonly registry: Registry;
  readonly tls: TlsContexts;
  readonly sessions: SessionRegistry;
  readonly log: Logger;
  readonly audit: AuditLog;
  readonly metrics: Metrics;
  readonly trace: Eavesdropper;
}
