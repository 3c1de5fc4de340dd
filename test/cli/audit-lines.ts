import { AuditLog, type LoginEvent } from '../../src/observe/audit.ts';

const EVENT: LoginEvent = {
  session: 's1',
  listener: 'imaps',
  address: '192.0.2.1',
  port: 1,
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  mechanism: 'PLAIN',
  given: 'alice',
  outcome: 'ok',
  milliseconds: 1,
};

/** Lines as the server writes them, a minute apart. */
export function auditLines(...events: readonly Partial<LoginEvent>[]): string {
  let lines = '';
  let now = Date.parse('2026-11-01T12:00:00Z');
  const log = new AuditLog(
    line => {
      lines += line;
    },
    () => {
      now += 60_000;
      return now;
    },
  );
  for (const event of events) log.login({ ...EVENT, login: event.given?.toLowerCase() ?? 'alice', ...event });
  log.event('reload', { ok: true });
  return lines;
}
