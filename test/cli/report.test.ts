import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/cli/command.ts';
import { report } from '../../src/cli/report.ts';
import { auditLines } from './audit-lines.ts';
import { CommandStand, STATIC_CONFIG, USERS } from './command-stand.ts';

const LINES = auditLines(
  { given: 'alice' },
  { given: 'Bob', tls: { version: 'TLSv1.2', cipher: 'AES128-SHA' }, clientId: 'Old Mail 3', mechanism: 'LOGIN' },
  { given: 'bob', tls: { version: 'TLSv1.2', cipher: 'AES128-SHA' }, clientId: 'Old Mail 3', mechanism: 'LOGIN' },
  { given: 'carol', tls: undefined, mechanism: 'LOGIN command' },
  { given: 'dave', tls: { version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256' }, mechanism: 'SCRAM-SHA-256' },
  { given: 'erin', tls: undefined, address: '127.0.0.1' },
  { given: 'mallory', tls: undefined, outcome: 'bad-password' },
);

describe('postern report tls', () => {
  const stand = new CommandStand();
  beforeAll(() => {
    stand.write('audit.log', `{"level":"info","msg":"ready"}\nnonsense\n\n${LINES}`);
    stand.write('old.log.gz', gzipSync(LINES));
    stand.write('cut.log.gz', gzipSync(LINES).subarray(0, 150));
    stand.write('users.yaml', USERS);
    stand.write('postern.yaml', `${STATIC_CONFIG}log: { audit: { file: audit.log } }\n`);
  });
  afterAll(() => stand.remove());
  const run = (...args: readonly string[]) => stand.run(report, 'tls', ...args);

  it('lists who comes how, the worst first, and counts', async () => {
    const { status, stdout, stderr } = await run('audit.log');
    expect(status).toBe(1);
    const [, ...rows] = stdout.split('\n\n')[0]?.split('\n') ?? [];
    expect(rows.map(row => row.replace(/ {2,}/g, '|'))).toEqual([
      'carol|-|none|-|LOGIN command|1|2026-11-01 12:04|192.0.2.1|clear, plain-mechanism',
      'bob|Old Mail 3|TLSv1.2|AES128-SHA|LOGIN|2|2026-11-01 12:03|192.0.2.1|weak-cipher, old-tls, old-mechanism',
      'dave|-|TLSv1.2|ECDHE-RSA-AES128-GCM-SHA256|SCRAM-SHA-256|1|2026-11-01 12:05|192.0.2.1|old-tls',
    ]);
    expect(stdout).toMatch(/^6 logins$/m);
    expect(stdout).toMatch(/^3 of 2 users: TLS below 1\.3 \(old-tls\)$/m);
    expect(stdout).toMatch(/^3 of 3 users: .* \(plain-mechanism\)$/m);
    expect(stderr).toBe('Lines that could not be read: 1\n');
  });

  it('reads packed logs, standard input, and the log of the configuration', async () => {
    const expected = (await run('audit.log')).stdout;
    expect((await run('old.log.gz')).stdout).toBe(expected);
    expect((await run('--config', 'postern.yaml')).stdout).toBe(expected);
    stand.stdin = LINES;
    expect((await run('-')).stdout).toBe(expected);
    stand.stdin = '';
  });

  it('lists what is asked for', async () => {
    const logins = async (...args: readonly string[]) =>
      (await run('audit.log', '--json', ...args)).stdout
        .trim()
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line).login);
    expect(await logins('--only', 'clear')).toEqual(['carol']);
    expect(await logins('--only', 'clear', '--failed')).toEqual(['carol', 'mallory']);
    expect(await logins('--only', 'plain-mechanism')).toEqual(['carol', 'alice', 'erin']);
    expect(await logins('--since', '2026-11-02')).toEqual([]);
    expect((await run('audit.log', '--since', '2026-11-02')).status).toBe(0);
    const counts = JSON.parse((await run('audit.log', '--json')).stdout.trim().split('\n').at(-1) ?? '');
    expect(counts).toMatchObject({ logins: 6, counts: { 'weak-cipher': { logins: 2, users: 1 } } });
  });

  it('says that a log cannot be read', async () => {
    expect(await run('none.log')).toMatchObject({
      status: 3,
      stderr: expect.stringMatching(/^postern: none\.log: ENOENT/),
    });
    expect(await run('cut.log.gz')).toMatchObject({ status: 3, stdout: '' });
  });

  it.each([[[]], [['mail']], [['tls', '--only', 'x']], [['tls', 'audit.log', '--since', 'today']]])(
    'takes no %j',
    async args => {
      await expect(stand.run(report, ...args)).rejects.toThrow(UsageError);
    },
  );
});
