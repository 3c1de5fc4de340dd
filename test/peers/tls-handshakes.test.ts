import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TlsFixture } from '../net/tls-fixture.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';
import { sClient } from './s-client.ts';

const NAMES = ['first.example', 'second.example', '*.third.example'];
const KINDS = ['implicit', 'starttls'] as const;

describeWithPeers(['openssl'], 'TLS as openssl sees it', () => {
  let fixture: TlsFixture;
  let postern: RunningPostern;

  beforeAll(async () => {
    fixture = await TlsFixture.make();
    const certificates = await Promise.all(NAMES.map((name, index) => fixture.renew(`c${index}`, name)));
    const config = await staticDoor({
      certificates: certificates.map(pair => ({ ...pair })),
      more: { admin: { http: '127.0.0.1:0' } },
    });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  });

  afterAll(async () => {
    await postern?.remove();
    fixture?.[Symbol.dispose]();
  });

  const look = (kind: (typeof KINDS)[number], ...args: string[]) =>
    sClient(postern.port(kind), kind === 'starttls' ? ['-starttls', 'imap', ...args] : args);
  const metric = async (line: RegExp): Promise<number> => {
    const address = String(postern.log.find(({ msg }) => msg === 'ready')?.adminHttp);
    const text = await (await fetch(`http://${address}/metrics`)).text();
    return Number(line.exec(text)?.[1] ?? 0);
  };

  for (const kind of KINDS) {
    it(`${kind}: speaks TLS 1.3 and, if asked, 1.2`, async () => {
      expect(await look(kind)).toMatchObject({ secured: true, version: 'TLSv1.3' });
      expect(await look(kind, '-tls1_3')).toMatchObject({ secured: true, version: 'TLSv1.3' });
      expect(await look(kind, '-tls1_2')).toMatchObject({ secured: true, version: 'TLSv1.2' });
    });

    it(`${kind}: refuses TLS 1.1 and 1.0, and says so`, async () => {
      const refusals = () => metric(/^postern_tls_handshake_failures_total\{reason="version"\} (\d+)/m);
      const before = await refusals();
      for (const version of ['-tls1_1', '-tls1']) {
        const seen = await look(kind, version, '-cipher', 'DEFAULT@SECLEVEL=0');
        expect(seen).toMatchObject({ secured: false, commonName: undefined });
        expect(seen.output).toContain('alert protocol version');
      }
      expect(await refusals()).toBe(before + 2);
    });

    it(`${kind}: shows the certificate of the name that is asked for`, async () => {
      const trust = ['-CAfile', join(fixture.folder, 'ca.pem'), '-verify_return_error'];
      writeFileSync(join(fixture.folder, 'ca.pem'), fixture.ca);
      for (const [asked, shown] of [
        ['first.example', 'first.example'],
        ['second.example', 'second.example'],
        ['SECOND.example', 'second.example'],
        ['mail.third.example', '*.third.example'],
      ] as const) {
        const seen = await look(kind, '-servername', asked, '-verify_hostname', asked, ...trust);
        expect(seen, asked).toMatchObject({ secured: true, commonName: shown });
      }
      // Nobody's name, and none: the first certificate.
      expect((await look(kind, '-servername', 'elsewhere.example')).commonName).toBe('first.example');
      expect((await look(kind, '-noservername')).commonName).toBe('first.example');
    });

    it(`${kind}: agrees on the protocol imap, and on no other`, async () => {
      expect(await look(kind, '-alpn', 'imap')).toMatchObject({ secured: true, alpn: 'imap' });
      expect(await look(kind, '-alpn', 'h2,imap')).toMatchObject({ secured: true, alpn: 'imap' });
      expect(await look(kind)).toMatchObject({ secured: true, alpn: undefined });
      const seen = await look(kind, '-alpn', 'h2,http/1.1');
      expect(seen.secured).toBe(false);
      expect(seen.output).toContain('no application protocol');
    });

    it.each(['-tls1_2', '-tls1_3'])(`${kind}: resumes sessions of %s`, async version => {
      const file = join(fixture.folder, `session-${kind}${version}`);
      expect(await look(kind, version, '-sess_out', file)).toMatchObject({ secured: true, resumed: false });
      expect(await look(kind, version, '-sess_in', file)).toMatchObject({ secured: true, resumed: true });
    });
  }

  it('resumes on one listener what began on another', async () => {
    const file = join(fixture.folder, 'session');
    expect((await look('implicit', '-sess_out', file)).secured).toBe(true);
    expect((await look('starttls', '-sess_in', file)).resumed).toBe(true);
  });

  it('counts all this', async () => {
    expect(await metric(/^postern_tls_handshakes_total\{version="TLSv1.2",resumed="true"\} (\d+)/m)).toBe(2);
    expect(await metric(/^postern_tls_handshakes_total\{version="TLSv1.3",resumed="true"\} (\d+)/m)).toBe(3);
    expect(await metric(/^postern_tls_handshake_failures_total\{reason="alpn"\} (\d+)/m)).toBe(2);
  });

  it('takes a login over what openssl has secured', async () => {
    const seen = await sClient(
      postern.port('starttls'),
      ['-starttls', 'imap'],
      'a CAPABILITY\r\nb LOGIN alice wrong\r\nc LOGIN alice secret\r\nd LOGOUT\r\n',
    );
    expect(seen.output).toMatch(/^\* CAPABILITY (?!.*LOGINDISABLED)(?!.*STARTTLS).*AUTH=PLAIN/m);
    expect(seen.output).toMatch(/^b NO \[AUTHENTICATIONFAILED\]/m);
    expect(seen.output).toMatch(/^c NO \[CONTACTADMIN\] Nobody has a mailbox here\./m);
    expect(seen.output).toMatch(/^d OK/m);
  });
});
