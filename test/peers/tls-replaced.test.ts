import { mkdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TlsFixture } from '../net/tls-fixture.ts';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

/** Within this a replaced certificate must be what clients see. */
const PROMISED_MS = 15_000;

describe('certificates replaced under a running Postern', () => {
  let fixture: TlsFixture;
  let postern: RunningPostern;

  beforeAll(async () => {
    fixture = await TlsFixture.make();
    // One as an administrator copies it, one as certbot and Kubernetes do: links into a folder that is swapped.
    const plain = await fixture.renew('plain', 'plain.example');
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(fixture.folder, version));
      await fixture.renew(`${version}/tls`, 'linked.example');
    }
    symlinkSync('v1', join(fixture.folder, 'live'));
    for (const kind of ['crt', 'key']) symlinkSync(`live/tls.${kind}`, join(fixture.folder, `linked.${kind}`));
    const linked = {
      certificate: join(fixture.folder, 'linked.crt'),
      key: join(fixture.folder, 'linked.key'),
    };
    const config = await staticDoor({ certificates: [{ ...plain }, linked] });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  });

  afterAll(async () => {
    await postern?.remove();
    fixture?.[Symbol.dispose]();
  });

  /** Fingerprint of what a new client of that name is shown; it verifies it. */
  async function shown(servername: string, tls: 'implicit' | 'starttls' = 'implicit'): Promise<string> {
    const tlsOptions = { servername, ca: fixture.ca, rejectUnauthorized: true };
    const client = await ImapClient.connect({ port: postern.port(tls), tls, tlsOptions });
    const { fingerprint256 } = client.tls.getPeerCertificate();
    client.close();
    return fingerprint256;
  }

  it('are shown within 15 s, by every listener, and nobody who is connected notices', async () => {
    const { pid } = postern;
    const clients = await Promise.all(
      (['implicit', 'starttls'] as const).map(tls => ImapClient.connect({ port: postern.port(tls), tls })),
    );
    const before = { plain: await shown('plain.example'), linked: await shown('linked.example') };
    expect(before.plain).not.toBe(before.linked);

    await fixture.renew('plain', 'plain.example');
    symlinkSync('v2', join(fixture.folder, 'next'));
    renameSync(join(fixture.folder, 'next'), join(fixture.folder, 'live'));
    const replacedAt = performance.now();

    await until(
      'both new certificates are shown',
      async () => (await shown('plain.example')) !== before.plain && (await shown('linked.example')) !== before.linked,
      PROMISED_MS,
    );
    expect(performance.now() - replacedAt).toBeLessThan(PROMISED_MS + 1000);
    expect(await shown('plain.example', 'starttls')).toBe(await shown('plain.example'));
    expect(await shown('linked.example', 'starttls')).toBe(await shown('linked.example'));

    for (const client of clients) {
      expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
      client.close();
    }
    expect(postern.pid).toBe(pid);
    expect(postern.log.filter(({ msg }) => msg === 'a certificate was replaced')).toHaveLength(2);
    expect(postern.log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
