import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseUsers } from '../../src/auth/static/users.ts';
import { parseConfig } from '../../src/config/load.ts';
import { sectionExamples } from '../../src/config/reference-examples.ts';
import type { Surroundings } from '../../src/config/surroundings.ts';
import { makePair } from './made-certificates.ts';
import { madeUpMachine, parseOn } from './made-up-machine.ts';

const folder = new URL('../../config/', import.meta.url);
const text = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const isOnPath = (program: string) => (process.env.PATH ?? '').split(':').some(dir => existsSync(join(dir, program)));

const examples = readdirSync(folder).filter(
  name => name.endsWith('.yaml') && !/^(postern|users\.example)\.yaml$/.test(name),
);

/** Has whatever file an example names: the kind of file is told by its name. */
let surroundings: Surroundings;
beforeAll(async () => {
  const { certificate, key } = await makePair('mail.example.org');
  surroundings = {
    ...madeUpMachine({ env: { ARCHIVE_PASSWORD: 'secret' } }),
    readText: path => {
      if (path.endsWith('.crt')) return certificate;
      if (path.endsWith('.key')) return key;
      return path.endsWith('users.yaml') ? text('users.example.yaml') : 'secret\n';
    },
  };
});

describe('examples', () => {
  it('are all here', () => {
    expect(examples.toSorted()).toEqual([
      'active-directory.yaml',
      'behind-haproxy.yaml',
      'relay-by-mailhost.yaml',
      'relay-one-server.yaml',
      'serve-local.yaml',
    ]);
  });

  it.each(examples)('%s loads without a warning and names its schema', name => {
    const { config, warnings } = parseConfig(text(name), `/etc/postern/${name}`, surroundings);
    expect(warnings).toEqual([]);
    expect(config.listeners.filter(listener => listener.tls === 'none')).toEqual([]);
    expect(text(name).split('\n')[0]).toBe('# yaml-language-server: $schema=./postern.schema.json');
  });

  it('of the reference make one configuration', () => {
    const whole = Object.values(sectionExamples).join('\n');
    expect(parseConfig(whole, '/etc/postern/postern.yaml', surroundings).warnings).toEqual([]);
  });

  it('of users are what a static directory reads', () => {
    const { all } = parseUsers('users.example.yaml', text('users.example.yaml'), 'emergency');
    expect(all.map(({ user }) => user.name)).toEqual(['admin', 'alice']);
  });

  it('are not matched by a configuration that lacks what they name', () => {
    expect(() => parseOn({}, text('relay-one-server.yaml'))).toThrow(/mail\.crt does not exist/);
  });
});

describe('beside the examples', () => {
  it.skipIf(!isOnPath('haproxy'))('the lines for haproxy.cfg are accepted by HAProxy (haproxy)', () => {
    const lines = text('behind-haproxy.yaml')
      .split('\n')
      .filter(line => line.startsWith('#haproxy:'));
    const scratch = mkdtempSync(join(tmpdir(), 'postern-haproxy-'));
    try {
      const file = join(scratch, 'haproxy.cfg');
      writeFileSync(file, `${lines.map(line => line.slice('#haproxy:   '.length)).join('\n')}\n`);
      const checked = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8' });
      expect(checked.stderr + checked.stdout).not.toMatch(/ALERT|WARNING/);
      expect(checked.status).toBe(0);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it.skipIf(!isOnPath('systemd-analyze'))('systemd accepts the unit (systemd-analyze)', () => {
    const scratch = mkdtempSync(join(tmpdir(), 'postern-unit-'));
    try {
      const unit = text('postern.service');
      // The programs must exist when the unit is verified.
      const started = unit.replace(/^(Exec\w+=)\S+postern /gm, `$1${process.execPath} `);
      expect(started).not.toBe(unit);
      const file = join(scratch, 'postern.service');
      writeFileSync(file, started);
      const verified = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
      expect(verified.stderr).toBe('');
      expect(verified.status).toBe(0);
      writeFileSync(file, started.replace('NoNewPrivileges=yes', 'NoNewPrivilege=yes'));
      expect(spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' }).stderr).not.toBe('');
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });

  it('the unit points where the defaults point', () => {
    const unit = text('postern.service');
    for (const line of ['StateDirectory=postern', 'RuntimeDirectory=postern', 'Type=notify', 'NotifyAccess=all']) {
      expect(unit).toContain(`\n${line}\n`);
    }
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute/m);
  });

  it('the image copies only what is there', () => {
    const copied = [...text('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      match => match[1]?.split(' ') ?? [],
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const path of copied) expect(existsSync(new URL(`../${path}`, folder)), path).toBe(true);
    expect(text('Dockerfile')).toMatch(/^USER node$/m);
  });
});
