import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { CertificateError } from '../../src/net/certificate-pair.ts';
import type { Issued } from '../../src/pki/authority.ts';
import { parsePrivateKey } from '../../src/pki/keys.ts';
import { DAY, ERROR, TlsFixture, WARN } from './tls-fixture.ts';

const fixture = await TlsFixture.make();
afterEach(() => {
  vi.useRealTimers();
  fixture.quiesce();
});
afterAll(() => fixture[Symbol.dispose]());

describe('replaced files', () => {
  it('are taken up on listening servers, for SNI and without', async () => {
    const [a, b] = [await fixture.renew('a', 'a.example'), await fixture.renew('b', 'b.example')];
    const { serverTls } = await fixture.load([a, b]);
    const { port } = await fixture.listen(serverTls);
    const old = await fixture.visit(port);
    expect(await serverTls.refresh()).toBe('unchanged');
    await fixture.renew('a', 'a.example');
    await fixture.renew('b', 'b.example');
    const oldB = (await fixture.visit(port, { servername: 'b.example' })).fingerprint;
    expect(await serverTls.refresh()).toBe('changed');
    expect(await serverTls.refresh()).toBe('unchanged');
    expect((await fixture.visit(port)).fingerprint).not.toBe(old.fingerprint);
    expect((await fixture.visit(port, { servername: 'b.example' })).fingerprint).not.toBe(oldB);
  });

  it('are taken up when a symbolic link to their folder is swapped', async () => {
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(fixture.folder, version));
      await fixture.renew(`${version}/tls`, `${version}.example`);
    }
    symlinkSync('v1', join(fixture.folder, '..data'));
    for (const kind of ['crt', 'key']) symlinkSync(`..data/tls.${kind}`, join(fixture.folder, `tls.${kind}`));
    const { serverTls } = await fixture.load([
      { certificate: join(fixture.folder, 'tls.crt'), key: join(fixture.folder, 'tls.key') },
    ]);
    const { port } = await fixture.listen(serverTls);
    expect((await fixture.visit(port)).name).toBe('v1.example');
    symlinkSync('v2', join(fixture.folder, '..next'));
    renameSync(join(fixture.folder, '..next'), join(fixture.folder, '..data'));
    expect(await serverTls.refresh()).toBe('changed');
    expect((await fixture.visit(port)).name).toBe('v2.example');
    expect(serverTls.certificates()[0]?.names).toEqual(['v2.example']);
  });

  it('leave the old pair in service while they do not fit, with one error for each bad version', async () => {
    const pair = await fixture.renew('a', 'a.example');
    const { serverTls, messages } = await fixture.load([pair]);
    const { port } = await fixture.listen(serverTls);
    const old = (await fixture.visit(port)).fingerprint;
    const next = await fixture.issue('a.example');
    for (const bad of [next.certificate, next.certificate.slice(0, 300), '', 'nonsense']) {
      const before = messages(ERROR).length;
      writeFileSync(pair.certificate, bad);
      expect(await serverTls.refresh()).toBe('unchanged');
      expect(await serverTls.refresh()).toBe('unchanged');
      expect(messages(ERROR).length).toBe(before + 1);
    }
    rmSync(pair.certificate);
    expect(await serverTls.refresh()).toBe('unchanged');
    expect((await fixture.visit(port)).fingerprint).toBe(old);
    fixture.install('a', next);
    expect(await serverTls.refresh()).toBe('changed');
    expect((await fixture.visit(port)).fingerprint).not.toBe(old);
  });

  it('are noticed by the clock, and not after stop', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const { serverTls } = await fixture.load([await fixture.renew('a', 'one.example')]);
    serverTls.start();
    serverTls.start();
    await fixture.renew('a', 'two.example');
    vi.advanceTimersByTime(10_000);
    await serverTls.refresh();
    expect(serverTls.certificates()[0]?.names).toEqual(['two.example']);
    serverTls.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('do not reach servers that were detached', async () => {
    const { serverTls } = await fixture.load([await fixture.renew('a', 'one.example')]);
    const { server, port } = await fixture.listen(serverTls);
    serverTls.detach(server);
    await fixture.renew('a', 'two.example');
    await serverTls.refresh();
    expect((await fixture.visit(port)).name).toBe('one.example');
  });
});

describe('another configuration', () => {
  it('is taken up whole on listening servers', async () => {
    const { serverTls } = await fixture.load([await fixture.renew('a', 'a.example')]);
    const { port } = await fixture.listen(serverTls);
    serverTls.replace({ minimum: 'TLSv1.3', certificates: [await fixture.renew('b', 'b.example')] });
    expect((await fixture.visit(port)).name).toBe('b.example');
    await expect(fixture.visit(port, { maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/i);
  });

  it('changes nothing when one pair of it is wrong, and names each that is', async () => {
    const a = await fixture.renew('a', 'a.example');
    const { serverTls } = await fixture.load([a]);
    const { port } = await fixture.listen(serverTls);
    const b = await fixture.renew('b', 'b.example');
    const mixed = { certificate: b.certificate, key: a.key };
    const absent = { certificate: join(fixture.folder, 'absent.crt'), key: a.key };
    const attempt = () => serverTls.replace({ minimum: 'TLSv1.3', certificates: [b, mixed, absent] });
    expect(attempt).toThrow(CertificateError);
    expect(attempt).toThrow(/b\.crt: .*does not belong to the key .*a\.key; .*absent\.crt: cannot be read/);
    expect(await fixture.visit(port, { maxVersion: 'TLSv1.2' })).toMatchObject({ name: 'a.example' });
  });
});

describe('what cannot be loaded', () => {
  it('is refused with file and mend', async () => {
    const good = await fixture.issue('a.example');
    const other = await fixture.issue('b.example');
    const encrypted = parsePrivateKey(good.key).export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'x',
    });
    const pairs: [Issued, RegExp][] = [
      [{ ...good, key: other.key }, /x\.crt: the certificate of a\.example does not belong to the key .*x\.key$/],
      [{ ...good, certificate: fixture.ca + good.certificate }, /x\.crt: the server's own certificate must come first/],
      [{ ...good, certificate: 'nothing' }, /x\.crt: holds no PEM certificate/],
      [
        { ...good, certificate: good.certificate + fixture.ca.slice(0, 200) },
        /x\.crt: certificate number 2 in it is damaged/,
      ],
      [{ ...good, key: 'nothing' }, /x\.key: holds no PEM private key/],
      [{ ...good, key: encrypted.toString() }, /x\.key: the key is encrypted/],
    ];
    for (const [pair, complaint] of pairs) {
      await expect(fixture.load([fixture.install('x', pair)])).rejects.toThrow(complaint);
    }
  });

  it('is not the absence of any certificate: listeners without TLS need none', async () => {
    const { serverTls } = await fixture.load([]);
    expect(serverTls.certificates()).toEqual([]);
    expect(() => serverTls.context('a.example')).toThrow(/no certificate is configured/);
  });
});

describe('expiry', () => {
  it('is warned about at 30, 14 and 3 days, once each, and at the end', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    let now = Date.now();
    const { serverTls, messages, lines } = await fixture.load([await fixture.renew('a', 'a.example', 40)], {
      now: () => now,
    });
    serverTls.start();
    const warnedOn: number[] = [];
    for (let day = 1; day <= 45; day += 1) {
      now += DAY;
      const before = messages(WARN).length + messages(ERROR).length;
      vi.advanceTimersByTime(10_000);
      vi.advanceTimersByTime(10_000);
      if (messages(WARN).length + messages(ERROR).length > before) warnedOn.push(day);
    }
    expect(warnedOn).toEqual([10, 26, 37, 40]);
    expect(messages(WARN)).toHaveLength(3);
    expect(messages(ERROR)).toEqual(['a certificate has expired: clients refuse it']);
    expect(lines.find(line => line.level === WARN)).toMatchObject({ names: ['a.example'], daysLeft: 29 });
  });

  it('is warned about at once for a certificate loaded late, and again for the next one', async () => {
    const { serverTls, messages } = await fixture.load([await fixture.renew('a', 'a.example', 2)]);
    expect(messages(WARN)).toHaveLength(1);
    await fixture.renew('a', 'a.example', 20);
    await serverTls.refresh();
    expect(messages(WARN)).toHaveLength(2);
    await fixture.renew('a', 'a.example', 300);
    await serverTls.refresh();
    expect(messages(WARN)).toHaveLength(2);
  });

  it('is told in figures', async () => {
    const pair = await fixture.renew('a', 'a.example', 90);
    const { serverTls } = await fixture.load([pair]);
    expect(serverTls.certificates()).toEqual([
      { file: pair.certificate, names: ['a.example'], issuer: 'Test CA', notAfter: expect.any(Date), daysLeft: 89 },
    ]);
  });
});
