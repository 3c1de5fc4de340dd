import { ConnectionLost } from '../net/channel.ts';
import { HandshakeFailed } from '../net/client-connection.ts';
import { handshakeFailureReason } from '../net/handshake-failure.ts';
import type { LoginContext } from './login-attempt.ts';

/**
 * Secures a session's connection after STARTTLS. Bytes behind the command were sent before TLS, by the client or by somebody in
 * between; nobody must ever act on them (RFC 3501 §6.2.1, CVE-2011-0411).
 *
 * @param answered the writing of the tagged answer, under way
 * @param unread what was read behind the command
 * @throws ConnectionLost when the handshake fails
 */
export async function turnToTls(
  answered: Promise<void>,
  unread: readonly Buffer[],
  { connection, entry, services, settings }: LoginContext,
): Promise<void> {
  const { audit, metrics } = services;
  const { discarded, secured } = connection.startTls(services.tls, settings.limits.handshake);
  const injected = unread.reduce((sum, bytes) => sum + bytes.length, discarded);
  if (injected > 0) {
    const { client, id, listener } = connection;
    metrics.starttlsInjections.inc();
    audit.event('starttls-injection', { session: id, listener, address: client.address, bytes: injected });
  }
  try {
    // Together: either may fail while the other is still under way, and neither may fail unheard.
    await Promise.all([secured, answered]);
  } catch (error) {
    if (!(error instanceof HandshakeFailed)) throw error;
    metrics.handshakeFailures.inc({ reason: handshakeFailureReason(error) });
    throw new ConnectionLost(error.message);
  }
  const { tls } = connection;
  metrics.handshakes.inc({ version: tls?.version ?? '', resumed: String(tls?.resumed ?? false) });
  entry.secure = tls?.version ?? null;
  entry.clientId = undefined;
}
