import { handshakeFailureReason } from '../net/handshake-failure.ts';
import type { ListenerEvents } from '../net/listener.ts';
import type { AuditLog } from '../observe/audit.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';

/** What happens at the listeners, counted; what a security officer should hear of, audited. */
export function listenerEvents(metrics: Metrics, audit: AuditLog, log: Logger): ListenerEvents {
  return {
    accepted(listener) {
      metrics.connections.inc({ listener });
      metrics.connectionsOpen.inc({ listener });
    },
    closed(listener) {
      metrics.connectionsOpen.dec({ listener });
    },
    refused(listener, reason, address, detail) {
      metrics.connectionsRefused.inc({ reason: reason === 'draining' ? 'drain' : reason });
      if (reason === 'connections' || reason === 'per_address') metrics.limitsHit.inc({ limit: reason });
      if (reason === 'proxy') audit.event('proxy-refused', { listener, address, detail });
      else log.debug({ listener, address, reason }, 'connection refused');
    },
    secured(_listener, version, resumed) {
      metrics.handshakes.inc({ version, resumed: String(resumed) });
    },
    handshakeFailed(listener, error, address) {
      metrics.handshakeFailures.inc({ reason: handshakeFailureReason(error) });
      log.debug({ listener, address, code: error.code }, 'TLS handshake failed');
    },
    failed(listener, error) {
      log.error({ listener, err: error }, 'a connection failed unexpectedly');
    },
  };
}
