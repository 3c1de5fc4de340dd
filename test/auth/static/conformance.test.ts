import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { openStaticDirectory } from '../../../src/auth/static/directory.ts';
import { hashPassword } from '../../../src/auth/static/password-hash.ts';
import { directoryConformance } from '../../conformance/directory.ts';

directoryConformance('a file of users', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'static-'));
  const file = join(folder, 'users.yaml');
  const users = [
    { login: 'alice', mail: 'alice@example.org', password: await hashPassword('Secret 1') },
    { login: 'bob', mail: 'bob@example.org', id: '4711', password: await hashPassword('Secret 2') },
    { login: 'carol', password: await hashPassword('Secret 3') },
  ];
  // JSON is YAML, too.
  writeFileSync(file, JSON.stringify({ users }));
  return {
    directory: openStaticDirectory('local', { kind: 'static', file }, { log: pino({ enabled: false }) }),
    alice: { login: 'alice', password: 'Secret 1', name: 'alice', mail: 'alice@example.org' },
    bob: { login: 'bob', password: 'Secret 2', name: 'bob', mail: 'bob@example.org' },
    users: users.length,
    close: async () => rmSync(folder, { recursive: true }),
  };
});
