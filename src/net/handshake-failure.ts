/** The codes OpenSSL and Node give, folded to a few reasons that lead to different actions. */
export type HandshakeFailure =
  | 'timeout'
  | 'closed'
  | 'version'
  | 'no-cipher'
  | 'alpn'
  | 'not-tls'
  | 'certificate'
  | 'other';

/** Why a client was not secured, for a metric. @param error of a TLS socket before it was secure */
export function handshakeFailureReason(error: unknown): HandshakeFailure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (/TIMEOUT|TIMEDOUT/.test(code)) return 'timeout';
  if (/ECONNRESET|EPIPE/.test(code)) return 'closed';
  if (/UNSUPPORTED_PROTOCOL|VERSION/.test(code)) return /WRONG_VERSION_NUMBER/.test(code) ? 'not-tls' : 'version';
  if (/NO_SHARED_CIPHER|NO_SUITABLE|NO_SHARED_GROUP/.test(code)) return 'no-cipher';
  if (/NO_APPLICATION_PROTOCOL/.test(code)) return 'alpn';
  if (/HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|BAD_RECORD|UNEXPECTED_MESSAGE/.test(code))
    return 'not-tls';
  if (/CERT|UNKNOWN_CA/.test(code)) return 'certificate';
  return 'other';
}
