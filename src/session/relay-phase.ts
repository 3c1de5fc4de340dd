import type { ClientConnection } from '../net/client-connection.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Tracer } from '../observe/protocol-trace.ts';
import type { SessionEntry } from '../observe/session-registry.ts';
import type { AdmittedToRelay } from './gate.ts';
import { Relay } from './relay.ts';

export interface RelayPhase {
  readonly connection: ClientConnection;
  readonly entry: SessionEntry;
  readonly metrics: Metrics;
  readonly tracer: Tracer | undefined;
  /** Read from the client and not yet looked at: pipelined behind the login. */
  readonly fromClient: readonly Buffer[];
}

/** What a session becomes when its login leads to an upstream; everything that passes is counted and traced. */
export function openRelay({ upstream, session }: AdmittedToRelay, phase: RelayPhase): Relay {
  const { connection, entry, metrics, tracer, fromClient } = phase;
  entry.upstream = upstream;
  entry.server = session.server;
  const bytesIn = metrics.relayBytes.labels({ direction: 'in', upstream });
  const bytesOut = metrics.relayBytes.labels({ direction: 'out', upstream });
  return new Relay({
    client: connection.channel,
    upstream: session.channel,
    fromClient,
    fromUpstream: session.rest,
    onClientBytes: bytes => {
      entry.bytesIn += bytes.length;
      bytesIn.inc(bytes.length);
      tracer?.client(bytes);
    },
    onServerBytes: bytes => {
      entry.bytesOut += bytes.length;
      bytesOut.inc(bytes.length);
      tracer?.server(bytes);
    },
  });
}
