import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { certs } from '../../src/cli/certs.ts';
import { EXIT, UsageError } from '../../src/cli/command.ts';
import { makeChain, OpensslFolder } from './openssl.ts';

const folder = new OpensslFolder();
afterAll(() => folder[Symbol.dispose]());
beforeAll(() => makeChain(folder, ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']));

/** Runs `postern certs` in the folder. */
async function run(
  args: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: NodeJS.ProcessEnv } = {},
) {
  let stdout = '';
  const status = await certs.run(args, {
    stdout: text => {
      stdout += text;
    },
    stderr: () => {},
    stdin: Readable.from([Buffer.from(stdin)]),
    env,
    cwd: folder.path,
  });
  return { status, stdout };
}

const mode = (file: string) => (statSync(join(folder.path, file)).mode & 0o777).toString(8);

describe('ca and server', () => {
  it('make certificates that verify, and say what to configure', async () => {
    expect((await run(['ca', '--out', 'dev', '--name', 'House CA'])).status).toBe(EXIT.ok);
    const { stdout } = await run([
      'server',
      'mail.example.org',
      '127.0.0.1',
      '--out',
      'tls',
      '--ca',
      'dev',
      '--days',
      '30',
    ]);
    expect(folder.run('verify', '-CAfile', 'dev/ca.crt', 'tls/mail.example.org.crt')).toMatch(/OK/);
    expect(readdirSync(join(folder.path, 'tls')).sort()).toEqual(['mail.example.org.crt', 'mail.example.org.key']);
    expect([mode('dev/ca.key'), mode('tls/mail.example.org.key'), mode('dev/ca.crt')]).toEqual(['600', '600', '644']);
    const yaml = /^tls:\n(?: .*\n)+/m.exec(stdout)?.[0] ?? '';
    expect(parse(yaml)).toEqual({
      tls: {
        certificates: [
          {
            certificate: join(folder.path, 'tls/mail.example.org.crt'),
            key: join(folder.path, 'tls/mail.example.org.key'),
          },
        ],
      },
    });
  });

  it('make the authority when it is missing, and keep it when it is there', async () => {
    await run(['server', '*.example.org', '--out', 'all']);
    const ca = folder.read('all/ca.crt');
    await run(['server', 'other.example.org', '--out', 'all']);
    expect(folder.read('all/ca.crt')).toBe(ca);
    for (const name of ['wildcard.example.org', 'other.example.org']) {
      expect(folder.run('verify', '-CAfile', 'all/ca.crt', `all/${name}.crt`)).toMatch(/OK/);
    }
  });

  it('replace nothing unless told to, and leave nothing behind', async () => {
    await run(['server', 'a.example', '--out', 'once']);
    const key = folder.read('once/a.example.key');
    const files = readdirSync(join(folder.path, 'once'));
    await expect(run(['server', 'a.example', '--out', 'once'])).rejects.toThrow(
      /a\.example\.key and .* exists? already/,
    );
    await expect(run(['ca', '--out', 'once'])).rejects.toThrow(/already/);
    expect(folder.read('once/a.example.key')).toBe(key);
    await run(['server', 'a.example', '--out', 'once', '--force']);
    expect(folder.read('once/a.example.key')).not.toBe(key);
    expect(readdirSync(join(folder.path, 'once'))).toEqual(files);
    expect(mode('once/a.example.key')).toBe('600');
  });

  it('never make a new authority over half of one', async () => {
    await run(['ca', '--out', 'half']);
    folder.remove('half/ca.crt');
    await expect(run(['server', 'a.example', '--out', 'half'])).rejects.toThrow(/the authority .* cannot be read/);
  });

  it('keep to --permit', async () => {
    await run(['ca', '--out', 'bound', '--permit', 'example.org', '--permit', '127.0.0.1']);
    await run(['server', 'mail.example.org', '127.0.0.1', '--out', 'bound']);
    await expect(run(['server', 'example.com', '--out', 'bound'])).rejects.toThrow(/not permitted/);
  });
});

it('request makes a key and a request', async () => {
  const { stdout } = await run(['request', 'mail.example.org', 'imap.example.org', '--out', 'ask']);
  expect(folder.run('req', '-verify', '-in', 'ask/mail.example.org.csr', '-noout', '-text')).toContain(
    'DNS:imap.example.org',
  );
  expect(mode('ask/mail.example.org.key')).toBe('600');
  expect(stdout).toContain('ask/mail.example.org.crt');
  await run(['request', 'rsa.example.org', '--out', 'ask', '--rsa']);
  expect(folder.run('req', '-in', 'ask/rsa.example.org.csr', '-noout', '-text')).toContain('3072 bit');
});

describe('import', () => {
  beforeAll(() => {
    folder.write('issuers.pem', folder.read('issuing.crt') + folder.read('root.crt'));
    const base = ['pkcs12', '-export', '-inkey', 'leaf.key', '-in', 'leaf.crt', '-passout', 'pass:ge heim'];
    folder.run(...base, '-legacy', '-certfile', 'issuers.pem', '-out', 'full.pfx');
    folder.run(...base, '-out', 'alone.pfx');
    folder.write('password', 'ge heim\n');
  });

  it.each([
    ['standard input', [], { stdin: 'ge heim\n' }],
    ['a file', ['--password-file', 'password'], {}],
    ['the environment', ['--password-env', 'PFX_PASSWORD'], { env: { PFX_PASSWORD: 'ge heim' } }],
  ])('takes the password from %s', async (_, options, given) => {
    const { status, stdout } = await run(['import', 'full.pfx', '--out', 'in', '--force', ...options], given);
    expect(status).toBe(EXIT.ok);
    expect(stdout).toContain(`certificate: ${folder.path}/in/mail.example.org.crt`);
    expect(folder.read('in/mail.example.org.crt')).toBe(folder.read('leaf.crt') + folder.read('issuing.crt'));
    expect(folder.read('in/mail.example.org-ca.crt')).toBe(folder.read('root.crt'));
    expect(folder.read('in/mail.example.org.key')).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    expect(mode('in/mail.example.org.key')).toBe('600');
    expect(
      folder.run('verify', '-CAfile', 'root.crt', '-untrusted', 'in/mail.example.org.crt', 'in/mail.example.org.crt'),
    ).toMatch(/OK/);
  });

  it('says that an issuer may be missing, and takes a name', async () => {
    const { stdout } = await run(['import', 'alone.pfx', '--out', 'in', '--name', 'mine'], { stdin: 'ge heim' });
    expect(stdout).toMatch(/append its certificate to .*in\/mine\.crt/);
    expect(folder.read('in/mine.crt')).toBe(folder.read('leaf.crt'));
  });

  it('writes nothing when the password is wrong or the file is none', async () => {
    await expect(run(['import', 'full.pfx', '--out', 'none'], { stdin: 'x\n' })).rejects.toThrow(
      'the password is wrong',
    );
    await expect(run(['import', 'leaf.crt', '--out', 'none'], { stdin: 'x\n' })).rejects.toThrow(/not a PKCS#12/);
    expect(() => readdirSync(join(folder.path, 'none'))).toThrow(/ENOENT/);
  });
});

describe('inspect', () => {
  it('shows a file, with status 0 when it is sound', async () => {
    const { status, stdout } = await run(['inspect', 'leaf.crt', '--key', 'leaf.key']);
    expect(status).toBe(EXIT.ok);
    expect(stdout).toMatch(/^names {4}mail\.example\.org, 127\.0\.0\.1$/m);
    expect(stdout).toMatch(/^issuer {3}O=Example, CN=Issuing$/m);
    expect(stdout).toMatch(/, 89 days left$/m);
    expect(stdout).toMatch(/^pin {6}sha256:[\w+/=]{44}$/m);
    expect(stdout).toMatch(/^key {6}belongs to the first certificate$/m);
  });

  it('has status 1 for another key, a broken chain and an expired certificate', async () => {
    folder.write('broken.crt', folder.read('leaf.crt') + folder.read('root.crt'));
    folder.write('disordered.crt', folder.read('leaf.crt') + folder.read('root.crt') + folder.read('issuing.crt'));
    folder.run(...['x509', '-req', '-in', 'leaf.csr', '-signkey', 'leaf.key', '-days', '-1', '-out', 'expired.crt']);
    expect((await run(['inspect', 'leaf.crt', '--key', 'root.key'])).status).toBe(EXIT.failure);
    for (const file of ['broken.crt', 'disordered.crt', 'expired.crt']) {
      expect((await run(['inspect', file])).status).toBe(EXIT.failure);
    }
  });

  it('shows what a server shows', async () => {
    const server = createServer({
      cert: folder.read('leaf.crt') + folder.read('issuing.crt'),
      key: folder.read('leaf.key'),
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      const { status, stdout } = await run(['inspect', `127.0.0.1:${address.port}`]);
      expect(status).toBe(EXIT.ok);
      expect(stdout).toMatch(/^127\.0\.0\.1:\d+: TLSv1\.3, not trusted by the system's store: UNABLE_TO/);
      expect(stdout).toContain('in order; clients must have the last issuer');
    } finally {
      server.close();
    }
  });

  it('names the file that cannot be read', async () => {
    await expect(run(['inspect', 'leaf.key'])).rejects.toThrow(/leaf\.key: it holds no certificate/);
    await expect(run(['inspect', 'leaf.crt', '--key', 'leaf.csr'])).rejects.toThrow(
      /leaf\.csr: it holds no private key/,
    );
    await expect(run(['inspect', 'absent.crt'])).rejects.toThrow(/absent\.crt/);
  });
});

it.each([
  [[]],
  [['constructor']],
  [['ca']],
  [['ca', 'name', '--out', 'x']],
  [['ca', '--out', 'x', '--name', '']],
  [['ca', '--out', 'x', '--permit', 'not a name']],
  [['server', '--out', 'x']],
  [['server', 'a.example']],
  [['server', 'a b', '--out', 'x']],
  [['server', 'a.example', '--out', 'x', '--days', '398']],
  [['server', 'a.example', '--out', 'x', '--days', 'ten']],
  [['request', 'a.example', '--out', 'x', '--ec']],
  [['import', '--out', 'x']],
  [['import', 'a', 'b', '--out', 'x']],
  [['import', 'leaf.crt', '--out', 'x', '--name', '../y']],
  [['import', 'leaf.crt', '--out', 'x', '--password-file', 'a', '--password-env', 'B']],
  [['import', 'leaf.crt', '--out', 'x', '--password-env', 'ABSENT']],
  [['inspect']],
  [['inspect', 'localhost:1', '--starttls', 'smtp']],
])('refuses the command line %j', async args => {
  await expect(run(args)).rejects.toThrow(UsageError);
});
