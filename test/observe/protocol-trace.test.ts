import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProtocolTrace, type ProtocolTraceOptions } from '../../src/observe/protocol-trace.ts';

let directory = '';
let now = Date.parse('2026-11-02T10:00:00.000Z');
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-trace-'));
  now = Date.parse('2026-11-02T10:00:00.000Z');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const silent = pino({ level: 'silent' });
const open = (options: Partial<ProtocolTraceOptions> = {}) =>
  new ProtocolTrace({ directory: join(directory, 'trace'), log: silent, now: () => now, ...options });
const files = () => readdirSync(join(directory, 'trace')).sort();
const text = (name: string) => readFileSync(join(directory, 'trace', name), 'utf8');
const alice = { id: 's1', login: 'alice@example.org', address: '192.0.2.1' };

describe('ProtocolTrace', () => {
  it('writes a file for its owner only, with time and session on each line', async () => {
    const trace = open();
    trace.add({ login: 'Alice@Example.org' }, 60_000);
    expect(trace.wants('alice@example.org', '192.0.2.1')).toBe(true);
    const tracer = trace.open(alice);
    tracer.client(Buffer.from('a NOOP \x1b[2J\u202e\r\n'));
    now += 1500;
    tracer.server(Buffer.from('a OK\r\n* un'));
    tracer.end();
    tracer.end();
    tracer.client(Buffer.from('b NOOP\r\n'));
    await trace.close();
    expect(files()).toEqual(['alice@example.org-20261102T100000Z-s1.log']);
    expect(text('alice@example.org-20261102T100000Z-s1.log')).toBe(
      [
        '2026-11-02T10:00:00.000Z s1 <trace of session s1: login alice@example.org, from 192.0.2.1>',
        '2026-11-02T10:00:00.000Z s1 C: a NOOP \\u{1b}[2J\\u{202e}',
        '2026-11-02T10:00:01.500Z s1 S: a OK',
        '2026-11-02T10:00:01.500Z s1 S: * un <unfinished>',
        '2026-11-02T10:00:01.500Z s1 <end of session>',
        '',
      ].join('\n'),
    );
    expect(statSync(join(directory, 'trace')).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, 'trace', files()[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  it('chooses by login in any case, by address or by network', () => {
    const trace = open();
    expect(trace.wants('alice', '192.0.2.1')).toBe(false);
    trace.add({ login: 'alice' }, 60_000);
    trace.add({ address: '10.0.0.0/8' }, 60_000);
    trace.add({ address: '2001:db8::1' }, 60_000);
    expect(trace.wants('ALICE', '192.0.2.1')).toBe(true);
    expect(trace.wants('alice2', '192.0.2.1')).toBe(false);
    expect(trace.wants('', '10.1.2.3')).toBe(true);
    expect(trace.wants('', '::ffff:10.1.2.3')).toBe(true);
    expect(trace.wants('', '2001:db8::1')).toBe(true);
    expect(trace.wants('', '2001:db8::2')).toBe(false);
    expect(() => trace.add({ address: 'example.org' }, 1)).toThrow(/is not an address or network/);
    expect(() => trace.add({ login: '' }, 1)).toThrow(/empty/);
  });

  it('switches itself off, and ends the files', async () => {
    const trace = open();
    trace.add({ login: alice.login }, 60_000);
    const tracer = trace.open(alice);
    now += 30_000;
    trace.add({ login: alice.login }, 60_000);
    now += 59_999;
    tracer.client(Buffer.from('a NOOP\r\n'));
    expect(trace.list()).toEqual([
      { by: 'login', value: alice.login, until: '2026-11-02T10:01:30.000Z', sessions: 0, open: 1 },
    ]);
    now += 1;
    expect(trace.wants(alice.login, '')).toBe(false);
    expect(trace.list()).toEqual([]);
    tracer.client(Buffer.from('b NOOP\r\n'));
    await trace.close();
    expect(
      text(files()[0] ?? '')
        .split('\n')
        .slice(1),
    ).toEqual([expect.stringMatching(/C: a NOOP$/), expect.stringMatching(/<trace ended: its time is over>$/), '']);
  });

  it('can be switched off by hand, one target or all', async () => {
    const trace = open();
    trace.add({ login: 'alice@example.org' }, 60_000);
    trace.add({ login: 'bob' }, 60_000);
    trace.add({ address: '192.0.2.9' }, 60_000);
    const tracer = trace.open(alice);
    expect(trace.remove({ login: 'ALICE@example.org' })).toBe(1);
    expect(trace.remove({ login: 'nobody' })).toBe(0);
    tracer.client(Buffer.from('b NOOP\r\n'));
    expect(trace.remove()).toBe(2);
    await trace.close();
    expect(text(files()[0] ?? '')).toMatch(/<trace switched off>\n$/);
  });

  it('keeps a file within its limit and says so', async () => {
    const trace = open({ fileSize: 1000 });
    trace.add({ login: alice.login }, 60_000);
    const tracer = trace.open(alice);
    for (let count = 0; count < 100; count += 1) tracer.server(Buffer.from(`* ${count} EXISTS\r\n`));
    expect(trace.list()[0]?.open).toBe(0);
    await trace.close();
    const written = text(files()[0] ?? '');
    expect(written.length).toBeLessThan(1200);
    expect(written).toMatch(/<cut here: the file has reached its limit>\n$/);
  });

  it('leaves lines out, with a note, when the disk does not keep up', async () => {
    const trace = open({ buffer: 2000 });
    trace.add({ login: alice.login }, 60_000);
    const tracer = trace.open(alice);
    for (let count = 0; count < 100; count += 1) tracer.server(Buffer.from(`* ${count} EXISTS\r\n`));
    await new Promise(resolve => setTimeout(resolve, 50));
    tracer.server(Buffer.from('* 1000 EXISTS\r\n'));
    tracer.end();
    await trace.close();
    const lines = text(files()[0] ?? '')
      .trimEnd()
      .split('\n');
    const note = lines.findIndex(line => /<\d+ lines left out: the disk did not keep up>/.test(line));
    expect(note).toBeGreaterThan(10);
    expect(lines[note + 1]).toMatch(/S: \* 1000 EXISTS$/);
    const omitted = Number(/<(\d+) lines/.exec(lines[note] ?? '')?.[1]);
    expect(omitted + note - 1).toBe(100);
  });

  it('notes at the end what was left out', async () => {
    const trace = open({ buffer: 2000 });
    trace.add({ login: alice.login }, 60_000);
    const tracer = trace.open(alice);
    for (let count = 0; count < 100; count += 1) tracer.server(Buffer.from(`* ${count} EXISTS\r\n`));
    tracer.end();
    await trace.close();
    expect(text(files()[0] ?? '')).toMatch(/<\d+ lines left out: the disk did not keep up>\n.*<end of session>\n$/);
  });

  it('follows no link that somebody laid out', async () => {
    const trace = open();
    trace.add({ login: alice.login }, 60_000);
    const target = join(directory, 'target');
    mkdirSync(join(directory, 'trace'));
    symlinkSync(target, join(directory, 'trace', 'alice@example.org-20261102T100000Z-s1.log'));
    trace.open(alice).end();
    await trace.close();
    expect(existsSync(target)).toBe(false);
  });

  it('traces no more than so many sessions of one target', async () => {
    const trace = open({ sessions: 2 });
    trace.add({ address: '192.0.2.1' }, 60_000);
    for (const id of ['s1', 's2']) {
      expect(trace.wants('', '192.0.2.1')).toBe(true);
      trace.open({ id, login: '', address: '192.0.2.1' }).end();
    }
    expect(trace.wants('', '192.0.2.1')).toBe(false);
    await trace.close();
    expect(files()).toEqual(['192.0.2.1-20261102T100000Z-s1.log', '192.0.2.1-20261102T100000Z-s2.log']);
  });

  it('takes no file name from a client', async () => {
    const trace = open();
    const login = '../../etc/passwd\n';
    trace.add({ login }, 60_000);
    trace.open({ ...alice, login }).end();
    await trace.close();
    expect(files()).toEqual(['_._.._etc_passwd_-20261102T100000Z-s1.log']);
    expect(text(files()[0] ?? '').split('\n')).toHaveLength(3);
  });

  it('does nothing, and says so in the log, when it cannot write', () => {
    writeFileSync(join(directory, 'file'), '');
    const complaints: string[] = [];
    const log = pino({}, { write: (line: string) => void complaints.push(line) });
    const trace = open({ directory: join(directory, 'file', 'trace'), log });
    trace.add({ login: alice.login }, 60_000);
    const tracer = trace.open(alice);
    tracer.client(Buffer.from('a NOOP\r\n'));
    tracer.end();
    expect(complaints).toEqual([expect.stringContaining('cannot write a protocol trace')]);
  });
});
