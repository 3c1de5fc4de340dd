import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callAdmin } from '../../src/cli/admin-client.ts';
import { type CliCommand, UsageError } from '../../src/cli/command.ts';
import { reload } from '../../src/cli/reload.ts';
import { sessions } from '../../src/cli/sessions.ts';
import { status } from '../../src/cli/status.ts';
import { renderSize, renderSpan } from '../../src/cli/table.ts';
import { trace } from '../../src/cli/trace.ts';
import { adminCommands } from '../../src/observe/admin-commands.ts';
import type { ReloadReport, StatusReport } from '../../src/observe/admin-reports.ts';
import { type AdminSocket, listenAdminSocket } from '../../src/observe/admin-socket.ts';
import { AuditLog } from '../../src/observe/audit.ts';
import { ProtocolTrace } from '../../src/observe/protocol-trace.ts';
import { SessionRegistry } from '../../src/observe/session-registry.ts';

const NOW = Date.parse('2026-11-02T10:00:00.000Z');
const log = pino({ level: 'silent' });

const REPORT: StatusReport = {
  version: '0.1.0',
  pid: 42,
  uptime: 93_784,
  config: '/etc/postern/postern.yaml',
  draining: false,
  listeners: [{ name: 'imaps', address: '[::]:993', tls: 'implicit', connections: 3 }],
  sessions: { handshake: 0, login: 1, relay: 2, serve: 1, closing: 0 },
  directories: [
    {
      name: 'corp',
      servers: [
        { server: 'ldap1:636', state: 'up' },
        { server: 'ldap2:636', state: 'down', reason: 'ECONNREFUSED' },
      ],
    },
    { name: 'local', servers: [] },
  ],
  upstreams: [{ name: 'legacy', servers: [{ server: 'old1:993', state: 'unknown' }] }],
  certificates: [
    {
      file: '/etc/postern/mail.crt',
      names: ['mail.example.org', 'imap.example.org'],
      notAfter: '2026-12-02T00:00:00Z',
      daysLeft: 29,
    },
  ],
  memory: { resident: 120 << 20, heap: 40 << 20, external: 1536 },
};

let directory = '';
let path = '';
let socket: AdminSocket;
let registry: SessionRegistry;
let protocolTrace: ProtocolTrace;
let kicked: string[] = [];
let audited: string[] = [];
let reloaded: ReloadReport | Error;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  path = join(directory, 'admin.sock');
  registry = new SessionRegistry(() => NOW);
  kicked = [];
  audited = [];
  reloaded = { ok: true, applied: [], needsRestart: [], warnings: [] };
  const traceDirectory = join(directory, 'trace');
  protocolTrace = new ProtocolTrace({ directory: traceDirectory, log, now: () => NOW });
  const commands = adminCommands({
    registry,
    trace: protocolTrace,
    traceDirectory,
    audit: new AuditLog(line => audited.push(line)),
    status: () => REPORT,
    revoke: login => ({ login: login.toLowerCase(), accounts: [] }),
    async reload() {
      if (reloaded instanceof Error) throw reloaded;
      return reloaded;
    },
    now: () => NOW,
  });
  socket = await listenAdminSocket(path, commands, log);
});
afterEach(async () => {
  await socket.close();
  await protocolTrace.close();
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a command against the socket. */
async function run(command: CliCommand, ...args: string[]) {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: (text: string) => {
      stdout += text;
    },
    stderr: (text: string) => {
      stderr += text;
    },
    stdin: Readable.from([]),
    env: {},
    cwd: directory,
  };
  const code = await command.run(args.includes('--config') ? args : [...args, '--socket', 'admin.sock'], io);
  return { code, stdout, stderr };
}

function connected(id: string, address: string, login?: string) {
  const entry = registry.open({
    id,
    listener: 'imaps',
    address,
    port: 40_000,
    since: NOW - 4_000_000,
    secure: 'TLSv1.3',
    phase: login === undefined ? 'login' : 'relay',
    kick: reason => void kicked.push(`${id}: ${reason}`),
  });
  if (login === undefined) return entry;
  entry.login = login;
  entry.upstream = 'legacy';
  entry.server = 'old1:993';
  entry.bytesIn = 2048;
  entry.bytesOut = 5 << 20;
  return entry;
}

describe('postern sessions', () => {
  it('lists sessions as an aligned table', async () => {
    connected('s1', '192.0.2.1', 'alice').clientId = 'Mail\x1b[2J 1.0';
    connected('s22', '2001:db8::1');
    expect(await run(sessions)).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'ID   LOGIN  ADDRESS              LISTENER  TLS      PHASE  UPSTREAM  SERVER     AGE      IN     OUT  CLIENT',
        's1   alice  192.0.2.1:40000      imaps     TLSv1.3  relay  legacy    old1:993  1h6m  2.0 kB  5.0 MB  Mail\\u{1b}[2J 1.0',
        's22  -      [2001:db8::1]:40000  imaps     TLSv1.3  login  -         -         1h6m     0 B     0 B  -',
        '2 sessions',
        '',
      ].join('\n'),
    });
  });

  it('filters, also as JSON', async () => {
    connected('s1', '192.0.2.1', 'alice');
    connected('s2', '10.1.1.1', 'bob');
    expect((await run(sessions, 'list', '--address', '10.0.0.0/8')).stdout).toMatch(/^ID.*\ns2 .*\n1 session\n$/);
    expect((await run(sessions, '--login', 'nobody')).stdout).toBe('0 sessions\n');
    const { stdout } = await run(
      sessions,
      '--json',
      '--upstream',
      'legacy',
      '--listener',
      'imaps',
      '--phase',
      'relay',
      '--older-than',
      '1h',
      '--login',
      'ALICE',
    );
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line)),
    ).toMatchObject([{ id: 's1', seconds: 4000 }]);
    expect((await run(sessions, '--older-than', '2h')).stdout).toBe('0 sessions\n');
  });

  it('ends sessions, tells the reason in one line, and audits it', async () => {
    connected('s1', '192.0.2.1', 'alice');
    connected('s2', '192.0.2.2', 'bob');
    expect(await run(sessions, 'kick', '--login', 'alice', '--reason', 'so\r\nlong ü')).toMatchObject({
      code: 0,
      stdout: '1 session ended\n',
    });
    expect(kicked).toEqual(['s1: so\\u{d}\\u{a}long ?']);
    expect(audited.map((line): unknown => JSON.parse(line))).toMatchObject([
      { audit: 'session-kicked', kicked: 1, filter: '{"login":"alice"}' },
    ]);
    expect(await run(sessions, 'kick', '--id', 's9')).toMatchObject({ code: 1, stdout: '0 sessions ended\n' });
    expect(await run(sessions, 'kick', '--address', '192.0.2.0/24')).toMatchObject({ stdout: '2 sessions ended\n' });
    expect(kicked.at(-1)).toBe('s2: Disconnected by the administrator');
  });

  it('never ends everything by omission, not even when asked directly', async () => {
    connected('s1', '192.0.2.1', 'alice');
    await expect(run(sessions, 'kick')).rejects.toThrow(UsageError);
    await expect(callAdmin(path, { command: 'kick' })).rejects.toThrow(/say which sessions/);
    await expect(callAdmin(path, { command: 'kick', all: true })).rejects.toThrow(/all/);
    expect(kicked).toEqual([]);
  });

  it('tells wrong command lines and wrong filters apart', async () => {
    await expect(run(sessions, 'drop')).rejects.toThrow(UsageError);
    await expect(run(sessions, '--reason', 'x')).rejects.toThrow(UsageError);
    await expect(run(sessions, '--older-than', 'long')).rejects.toThrow(/is not a duration/);
    await expect(run(sessions, '--nonsense')).rejects.toThrow(UsageError);
    expect(await run(sessions, '--address', 'nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('"nowhere" is not an address'),
    });
    expect(await run(sessions, '--phase', 'nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/phase: .*handshake/),
    });
  });
});

describe('postern status', () => {
  it('shows a page', async () => {
    expect((await run(status)).stdout).toBe(
      [
        'Postern 0.1.0, process 42, up 1d2h',
        'configuration  /etc/postern/postern.yaml',
        'sessions       4: 2 relayed, 1 served, 1 logging in, 0 in handshake, 0 closing',
        'memory         120 MB (heap 40 MB, buffers 1.5 kB)',
        '',
        'LISTENER  ADDRESS   TLS       CONNECTIONS',
        'imaps     [::]:993  implicit            3',
        '',
        'KIND       NAME    SERVER     STATE',
        'directory  corp    ldap1:636  up',
        'directory  corp    ldap2:636  down: ECONNREFUSED',
        'directory  local   -          no servers',
        'upstream   legacy  old1:993   not asked yet',
        '',
        'CERTIFICATE            NAMES                               EXPIRES     DAYS LEFT',
        '/etc/postern/mail.crt  mail.example.org, imap.example.org  2026-12-02         29',
        '',
      ].join('\n'),
    );
  });

  it('gives the same as JSON', async () => {
    expect(JSON.parse((await run(status, '--json')).stdout)).toEqual(REPORT);
    await expect(run(status, 'x')).rejects.toThrow(UsageError);
  });
});

describe('postern reload', () => {
  const problem = {
    file: 'p.yaml',
    line: 3,
    column: 5,
    path: 'routes[0]',
    message: 'is wrong',
    mend: 'write it right',
  };

  it('prints what was applied', async () => {
    expect(await run(reload)).toMatchObject({ code: 0, stdout: 'Nothing has changed.\n' });
    reloaded = { ok: true, applied: ['routes'], needsRestart: ['server.data'], warnings: [problem] };
    expect(await run(reload)).toEqual({
      code: 0,
      stdout: 'applied: routes\nneeds a restart: server.data\n',
      stderr: 'p.yaml:3:5: routes[0]: is wrong\n    write it right\n',
    });
  });

  it('prints what is wrong, and exits with 78', async () => {
    reloaded = { ok: false, problems: [problem] };
    expect(await run(reload)).toEqual({
      code: 78,
      stdout: '',
      stderr: 'p.yaml:3:5: routes[0]: is wrong\n    write it right\nNothing was changed.\n',
    });
    expect(audited.join('')).toContain('reload refused');
    reloaded = new Error('disk gone');
    expect(await run(reload)).toMatchObject({ code: 1, stderr: 'postern: disk gone\n' });
  });

  it('finds the server by the configuration, even a broken one', async () => {
    writeFileSync(join(directory, 'p.yaml'), 'admin: { socket: admin.sock }\nroutes: [ }\n');
    expect(await run(reload, '--config', 'p.yaml')).toMatchObject({ code: 0 });
    await expect(run(reload, '--config', 'p.yaml', '--socket', 'x')).rejects.toThrow(UsageError);
    writeFileSync(join(directory, 'p.yaml'), 'admin: { socket: none.sock }\n');
    expect(await run(reload, '--config', 'p.yaml')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Postern is not running'),
    });
  });
});

describe('postern trace', () => {
  it('switches on, lists and switches off', async () => {
    expect((await run(trace, '--list')).stdout).toBe('No trace is on.\n');
    expect((await run(trace, 'Alice', '--for', '2h')).stdout).toBe(
      [
        'BY     TRACED  UNTIL                     SESSIONS  OPEN',
        'login  alice   2026-11-02T12:00:00.000Z         0     0',
        `Files are in ${join(directory, 'trace')}`,
        '',
      ].join('\n'),
    );
    expect((await run(trace, '--address', '10.0.0.0/8')).stdout).toContain(
      'address  10.0.0.0/8  2026-11-02T10:10:00.000Z',
    );
    protocolTrace.open({ id: 's1', login: '', address: '10.2.3.4' });
    expect((await run(trace, '--list')).stdout).toMatch(/10\.0\.0\.0\/8 .* 1 {5}1\n/);
    expect(await run(trace, 'bob', '--off')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('0 switched off'),
    });
    expect(await run(trace, 'alice', '--off')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 switched off'),
    });
    expect((await run(trace, '--off')).stdout).toBe('1 switched off\nNo trace is on.\n');
    expect(readdirSync(join(directory, 'trace'))).toHaveLength(1);
    expect(audited.map((line): unknown => JSON.parse(line).audit)).toEqual([
      'trace-on',
      'trace-on',
      'trace-off',
      'trace-off',
      'trace-off',
    ]);
  });

  it('refuses wrong command lines and wrong targets', async () => {
    for (const args of [
      [],
      ['a', 'b'],
      ['a', '--address', '10.0.0.1'],
      ['a', '--list'],
      ['--list', '--off'],
      ['a', '--for', 'long'],
      ['a', '--off', '--for', '1h'],
    ]) {
      await expect(run(trace, ...args)).rejects.toThrow(UsageError);
    }
    expect(await run(trace, '--address', 'x')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not an address'),
    });
    expect(await run(trace, 'a', '--for', '2d')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('a day at most'),
    });
  });
});

describe('spans and sizes', () => {
  it('are short', () => {
    expect([0, 59, 60, 3599, 3600, 86_399, 86_400, 1e6].map(renderSpan)).toEqual([
      '0s',
      '59s',
      '1m',
      '59m',
      '1h0m',
      '23h59m',
      '1d0h',
      '11d13h',
    ]);
    expect([0, 1023, 1024, 10_240, 1 << 20, 5e9, 5e15].map(renderSize)).toEqual([
      '0 B',
      '1023 B',
      '1.0 kB',
      '10 kB',
      '1.0 MB',
      '4.7 GB',
      '4547.5 TB',
    ]);
  });
});
