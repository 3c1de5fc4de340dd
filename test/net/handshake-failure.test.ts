import { describe, expect, it } from 'vitest';
import { handshakeFailureReason } from '../../src/net/handshake-failure.ts';

describe('handshakeFailureReason', () => {
  it.each([
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'version'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'not-tls'],
    ['ERR_SSL_HTTP_REQUEST', 'not-tls'],
    ['ERR_SSL_NO_SHARED_CIPHER', 'no-cipher'],
    ['ERR_SSL_NO_APPLICATION_PROTOCOL', 'alpn'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'certificate'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'certificate'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'version'],
    ['ERR_TLS_HANDSHAKE_TIMEOUT', 'timeout'],
    ['ECONNRESET', 'closed'],
    ['ERR_SOMETHING', 'other'],
  ])('%s is %s', (code, reason) => {
    expect(handshakeFailureReason(Object.assign(new Error('x'), { code }))).toBe(reason);
  });

  it('takes anything', () => {
    expect(handshakeFailureReason('x')).toBe('other');
  });
});
