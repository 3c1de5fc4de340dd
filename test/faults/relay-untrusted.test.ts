import { afterEach, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RecordingProxy } from '../support/recording-proxy.ts';
import { auditOf, complaints, RelayStand } from '../support/relay-stand.ts';
import { type TestCertificate, testCa } from '../support/test-ca.ts';

const stand = new RelayStand();
afterEach(() => stand.close());

const PASSWORD = 'correct horse battery staple';
const USERS = { alice: PASSWORD };
const UNTRUSTED = / NO \[UNAVAILABLE\] /;

async function startUpstream(kind: 'implicit' | 'starttls', certificate: TestCertificate) {
  const dovecot = await stand.dovecot({
    users: USERS,
    certificate: { certificate: certificate.certificateFile, key: certificate.keyFile },
  });
  const proxy = await stand.proxy(kind === 'implicit' ? dovecot.ports.tls : dovecot.ports.plain);
  return { dovecot, proxy };
}

/** Logs in by way of a recorded connection; what the client was told, and the audit line. */
async function logIn(proxy: RecordingProxy, keys: Readonly<Record<string, unknown>>) {
  const postern = await stand.postern({
    users: USERS,
    upstreams: { store: { servers: [`127.0.0.1:${proxy.port}`], ...keys } },
  });
  const client = await stand.client(postern);
  const { tagged } = await client.command(`LOGIN alice "${PASSWORD}"`);
  const audit = await auditOf(postern, client);
  if (tagged.includes(' OK ')) await client.logout();
  expect(complaints(postern)).toEqual([]);
  return { tagged, outcome: audit.outcome, detail: String(audit.detail) };
}

function expectNothingReadable({ sent }: RecordingProxy): void {
  expect(sent.length).toBeGreaterThan(0);
  for (const form of [
    PASSWORD,
    Buffer.from(`\0alice\0${PASSWORD}`).toString('base64'),
    'alice',
    'LOGIN',
    'AUTHENTICATE',
  ])
    expect(sent.includes(form)).toBe(false);
}

for (const kind of ['implicit', 'starttls'] as const) {
  describeWithPeers(['dovecot', 'openssl'], `Dovecot by ${kind} TLS`, () => {
    it('is trusted for what its certificate says, and nothing is to be read on the way', async () => {
      const { file, good } = await testCa();
      const { proxy } = await startUpstream(kind, good);
      const { tagged, outcome } = await logIn(proxy, { tls: kind, ca: file });
      expect(tagged).toMatch(/ OK /);
      expect(outcome).toBe('ok');
      expectNothingReadable(proxy);
    });

    it('is refused, without a password sent, when it cannot prove who it is', async () => {
      const { file, rogue, wrongHost, expired, good } = await testCa();
      const cases: readonly [string, TestCertificate, Readonly<Record<string, unknown>>, RegExp][] = [
        ['another authority', rogue, { ca: file }, /unable to verify|unable to get/],
        ['the system’s authorities', good, {}, /unable to verify|unable to get/],
        ['another host', wrongHost, { ca: file }, /altnames|127\.0\.0\.1/],
        ['another name', good, { ca: file, server_name: 'mail.example.net' }, /mail\.example\.net/],
        ['expired', expired, { ca: file }, /expired/],
        ['another key', good, { ca: file, pin: [`sha256:${'A'.repeat(43)}=`] }, /pinned/],
      ];
      for (const [title, certificate, keys, reason] of cases) {
        const { proxy } = await startUpstream(kind, certificate);
        const { tagged, outcome, detail } = await logIn(proxy, { tls: kind, ...keys });
        expect([title, tagged]).toEqual([title, expect.stringMatching(UNTRUSTED)]);
        expect([title, outcome]).toEqual([title, 'upstream-untrusted']);
        expect([title, detail]).toEqual([title, expect.stringMatching(reason)]);
        expectNothingReadable(proxy);
        await stand.close();
      }
    });

    it('is trusted by its pin besides, and under the name that is configured', async () => {
      const { file, good, wrongHost } = await testCa();
      const { proxy } = await startUpstream(kind, good);
      const shown = await logIn(proxy, { tls: kind, ca: file, pin: [`sha256:${'A'.repeat(43)}=`] });
      const [pin = ''] = /sha256:[A-Za-z0-9+/]{43}=/.exec(shown.detail) ?? [];
      expect((await logIn(proxy, { tls: kind, ca: file, pin: [`sha256:${'A'.repeat(43)}=`, pin] })).tagged).toMatch(
        / OK /,
      );
      const other = await startUpstream(kind, wrongHost);
      const named = await logIn(other.proxy, { tls: kind, ca: file, server_name: 'somewhere.else.test' });
      expect(named.tagged).toMatch(/ OK /);
    });

    it('gets the certificate that it requires', async () => {
      const { file, good, renewed } = await testCa();
      const dovecot = await stand.dovecot({
        users: USERS,
        certificate: { certificate: good.certificateFile, key: good.keyFile },
        clientAuthority: file,
        extra: 'ssl_require_crl = no',
      });
      const proxy = await stand.proxy(kind === 'implicit' ? dovecot.ports.tls : dovecot.ports.plain);
      const certificate = { certificate: renewed.certificateFile, key: renewed.keyFile };
      const shown = await logIn(proxy, { tls: kind, ca: file, client_certificate: certificate });
      expect(shown.tagged).toMatch(/ OK /);
      const without = await logIn(proxy, { tls: kind, ca: file, timeout: '3s' });
      expect(without.tagged).toMatch(/ NO /);
      expect(without.outcome).toMatch(/^upstream-/);
    });
  });
}

describeWithPeers(['dovecot', 'openssl'], 'Dovecot without TLS', () => {
  it('gets no password where TLS was asked for', async () => {
    const { file } = await testCa();
    const dovecot = await stand.dovecot({ users: USERS, extra: 'ssl = no' });
    for (const tls of ['starttls', 'implicit']) {
      const proxy = await stand.proxy(dovecot.ports.plain);
      const { tagged, outcome } = await logIn(proxy, { tls, ca: file, connect_timeout: '2s', timeout: '2s' });
      expect(tagged).toMatch(UNTRUSTED);
      expect(outcome).toBe(tls === 'starttls' ? 'upstream-untrusted' : 'upstream-unavailable');
      expectNothingReadable(proxy);
    }
  });
});
