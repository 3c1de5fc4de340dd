import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of its own to run the openssl command in; disposed of with everything in it. */
export class OpensslFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'postern-pki-'));

  /** Runs openssl here and returns what it printed. @throws when it fails, with what it complained of */
  run(...args: string[]): string {
    return execFileSync('openssl', args, { cwd: this.path, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  write(name: string, content: string | Buffer): string {
    const path = join(this.path, name);
    writeFileSync(path, content);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  remove(name: string): void {
    rmSync(join(this.path, name));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Makes `root`, `issuing` (an authority below it) and `leaf` there, `.crt` and `.key`, with openssl alone. */
export function makeChain(folder: OpensslFolder, leafKey: readonly string[]): void {
  const ec = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const names = { root: ['Root', ec], issuing: ['Issuing', ec], leaf: ['mail.example.org', leafKey] } as const;
  folder.write(
    'extensions.cnf',
    '[root]\nbasicConstraints=critical,CA:true\n[issuing]\nbasicConstraints=critical,CA:true\n[leaf]\nsubjectAltName=DNS:mail.example.org,IP:127.0.0.1\n',
  );
  for (const [file, [name, key]] of Object.entries(names)) {
    folder.run('genpkey', '-algorithm', ...key, '-out', `${file}.key`);
    folder.run('req', '-new', '-key', `${file}.key`, '-subj', `/O=Example/CN=${name}`, '-out', `${file}.csr`);
    const issuer = { root: undefined, issuing: 'root', leaf: 'issuing' }[file];
    const signed = issuer ? ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`] : ['-signkey', 'root.key'];
    folder.run(
      ...['x509', '-req', '-days', '90', '-in', `${file}.csr`, '-out', `${file}.crt`, '-set_serial', '7'],
      ...['-extfile', 'extensions.cnf', '-extensions', file, ...signed],
    );
  }
}
