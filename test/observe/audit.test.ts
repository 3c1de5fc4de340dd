import { describe, expect, it } from 'vitest';
import { AuditLog, type LoginEvent } from '../../src/observe/audit.ts';

const NOW = Date.parse('2026-11-02T10:00:00.000Z');
const event: LoginEvent = {
  session: 's1',
  listener: 'imaps',
  address: '192.0.2.1',
  port: 40000,
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', servername: 'mail.example.org' },
  clientId: 'Thunderbird 140',
  mechanism: 'PLAIN',
  given: 'Alice',
  login: 'alice@example.org',
  account: 'corp:1234',
  directory: 'corp',
  outcome: 'ok',
  proof: 'cache',
  rule: 0,
  upstream: 'legacy',
  server: 'old1.example.org:993',
  milliseconds: 12.3456,
};

function lines(use: (audit: AuditLog) => void): unknown[] {
  const written: string[] = [];
  use(
    new AuditLog(
      line => written.push(line),
      () => NOW,
    ),
  );
  for (const line of written) expect(line).toMatch(/^\{[^\n]*\}\n$/);
  return written.map((line): unknown => JSON.parse(line));
}

describe('AuditLog', () => {
  it('writes one flat line for each login', () => {
    expect(lines(audit => audit.login(event))).toEqual([
      {
        level: 'info',
        time: '2026-11-02T10:00:00.000Z',
        audit: 'login',
        session: 's1',
        listener: 'imaps',
        address: '192.0.2.1',
        port: 40000,
        tls: 'TLSv1.3',
        cipher: 'TLS_AES_128_GCM_SHA256',
        servername: 'mail.example.org',
        clientId: 'Thunderbird 140',
        mechanism: 'PLAIN',
        given: 'Alice',
        login: 'alice@example.org',
        account: 'corp:1234',
        directory: 'corp',
        outcome: 'ok',
        proof: 'cache',
        rule: 0,
        upstream: 'legacy',
        server: 'old1.example.org:993',
        milliseconds: 12.3,
        msg: 'login',
      },
    ]);
  });

  it('cuts and escapes what clients chose', () => {
    const given = `a\r\n{"audit":"login"}\x1b[31m\u202e\x9b\ud800${'x'.repeat(1000)}`;
    const [line] = lines(audit => audit.login({ ...event, given, outcome: 'unknown-user', tls: undefined }));
    expect(line).toMatchObject({ level: 'warn', outcome: 'unknown-user', msg: 'login refused' });
    const shown = line instanceof Object && 'given' in line ? String(line.given) : '';
    expect(shown).toMatch(/^a\\u\{d\}\\u\{a\}\{"audit":"login"\}\\u\{1b\}\[31m\\u\{202e\}\\u\{9b\}\\u\{d800\}x+…$/);
    expect(shown.length).toBeLessThan(320);
    expect(line).not.toHaveProperty('tls');
  });

  it('writes security events under their own name', () => {
    expect(
      lines(audit => {
        audit.event('starttls-injection', { session: 's1', address: '192.0.2.1', bytes: 17 });
        audit.event('reload', { msg: 'configuration reloaded' });
      }),
    ).toEqual([
      {
        level: 'warn',
        time: '2026-11-02T10:00:00.000Z',
        audit: 'starttls-injection',
        session: 's1',
        address: '192.0.2.1',
        bytes: 17,
        msg: 'starttls-injection',
      },
      { level: 'info', time: '2026-11-02T10:00:00.000Z', audit: 'reload', msg: 'configuration reloaded' },
    ]);
  });
});
