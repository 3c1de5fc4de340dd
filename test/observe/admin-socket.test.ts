import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AdminError, callAdmin, readAdminSocket } from '../../src/cli/admin-client.ts';
import { type AdminCommand, type AdminSocket, listenAdminSocket } from '../../src/observe/admin-socket.ts';

let directory = '';
let path = '';
const open: AdminSocket[] = [];
const complaints: string[] = [];
const log = pino({}, { write: (line: string) => void complaints.push(line) });
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-admin-'));
  path = join(directory, 'run', 'admin.sock');
  complaints.length = 0;
});
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
  rmSync(directory, { recursive: true, force: true });
});

async function listen(commands: Readonly<Record<string, AdminCommand>>, at = path): Promise<AdminSocket> {
  const socket = await listenAdminSocket(at, commands, log);
  open.push(socket);
  return socket;
}

/** Writes bytes and collects everything until the server is done; half-closes after writing. */
async function raw(bytes: string): Promise<string[]> {
  const socket = connect({ path, allowHalfOpen: true });
  socket.setEncoding('utf8');
  socket.end(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text.split('\n').filter(line => line !== '');
}

const count: AdminCommand = async (request, emit) => {
  const rows = Number(request.rows ?? 3);
  for (let row = 0; row < rows; row += 1) await emit({ row });
  return { rows };
};

describe('the admin socket', () => {
  it('answers rows and a result, several requests on a connection', async () => {
    await listen({ count });
    const rows: unknown[] = [];
    expect(await callAdmin(path, { command: 'count', rows: 2 }, row => rows.push(row))).toEqual({ rows: 2 });
    expect(rows).toEqual([{ row: 0 }, { row: 1 }]);
    expect(await raw('{"command":"count","rows":1}\n{"command":"count","rows":0}\n')).toEqual([
      '{"row":{"row":0}}',
      '{"done":{"rows":1}}',
      '{"done":{"rows":0}}',
    ]);
  });

  it('is for its owner only, from its first moment, in a folder it makes', async () => {
    await listen({});
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'run')).mode & 0o777).toBe(0o750);
  });

  it('goes on after requests that are wrong', async () => {
    await listen({
      count,
      async wrong() {
        throw new RangeError('that is not a number');
      },
      async broken() {
        throw new TypeError('a bug');
      },
    });
    const answers = await raw(
      [
        '{',
        '[]',
        '{"command":5}',
        '{"command":"toString"}',
        '{"command":"wrong"}',
        '{"command":"broken"}',
        '{"command":"count","rows":0}',
        '',
      ].join('\n'),
    );
    expect(answers.map((answer): unknown => JSON.parse(answer))).toEqual([
      { error: 'a request is one line of JSON; this is not' },
      { error: 'a request is an object with a "command"' },
      { error: 'a request is an object with a "command"' },
      { error: 'there is no command "toString"; this server knows: count, wrong, broken' },
      { error: 'that is not a number' },
      { error: 'a bug' },
      { done: { rows: 0 } },
    ]);
    expect(complaints).toEqual([expect.stringContaining('an admin command failed')]);
  });

  it.each([
    ['in one line', `${'x'.repeat(70_000)}\n`],
    ['without an end', 'x'.repeat(70_000)],
  ])('refuses an oversized request %s', async (_name, bytes) => {
    await listen({ count });
    expect(await raw(bytes)).toEqual(['{"error":"a request is 65536 bytes at most"}']);
  });

  it('sends rows no faster than they are read, and stops when the reader goes', async () => {
    let sent = 0;
    const ended = Promise.withResolvers<unknown>();
    await listen({
      async endless(_request, emit, signal) {
        try {
          for (;;) {
            signal.throwIfAborted();
            await emit({ text: 'x'.repeat(10_000) });
            sent += 1;
          }
        } catch (error) {
          ended.resolve(error);
          throw error;
        }
      },
    });
    const socket = connect(path);
    await once(socket, 'connect');
    socket.pause();
    socket.write('{"command":"endless"}\n');
    await new Promise(resolve => setTimeout(resolve, 200));
    const before = sent;
    expect(before).toBeLessThan(200);
    await new Promise(resolve => setTimeout(resolve, 100));
    expect(sent).toBe(before);
    socket.destroy();
    expect(await ended.promise).toMatchObject({ name: 'AbortError' });
  });

  it('replaces the socket of a process that was killed', async () => {
    const holder = createServer();
    await listen({});
    const stale = join(directory, 'stale.sock');
    await new Promise<void>(resolve => holder.listen(stale, resolve));
    // A handle closed without unlinking leaves what a killed process leaves.
    const { renameSync } = await import('node:fs');
    renameSync(stale, `${stale}.kept`);
    await new Promise<void>(resolve => holder.close(() => resolve()));
    renameSync(`${stale}.kept`, stale);
    expect(existsSync(stale)).toBe(true);
    await listen({ count }, stale);
    expect(await callAdmin(stale, { command: 'count' })).toEqual({ rows: 3 });
  });

  it('leaves a socket alone on which somebody answers, and what is no socket', async () => {
    await listen({ count });
    await expect(listenAdminSocket(path, {}, log)).rejects.toThrow(
      /admin\.socket: a running Postern answers on .* already/,
    );
    expect(await callAdmin(path, { command: 'count' })).toEqual({ rows: 3 });
    const file = join(directory, 'file');
    writeFileSync(file, 'precious');
    await expect(listenAdminSocket(file, {}, log)).rejects.toThrow(/is not a socket; move it away/);
    expect(existsSync(file)).toBe(true);
  });

  it('says that a path is too long, or cannot be used', async () => {
    await expect(listenAdminSocket(join(directory, 'x'.repeat(110)), {}, log)).rejects.toThrow(/longer than 107 bytes/);
    writeFileSync(join(directory, 'plain'), '');
    await expect(listenAdminSocket(join(directory, 'plain', 'sock'), {}, log)).rejects.toThrow(/plain/);
  });

  it('is gone after closing, with its clients', async () => {
    const socket = await listen({ forever: () => new Promise(() => {}) });
    const answer = callAdmin(path, { command: 'forever' });
    await new Promise(resolve => setTimeout(resolve, 20));
    await Promise.all([expect(answer).rejects.toThrow(/ended the connection/), socket.close()]);
    expect(existsSync(path)).toBe(false);
  });

  it('lets in so many clients and no more', async () => {
    await listen({ count });
    const sockets = Array.from({ length: 32 }, () => connect(path));
    await Promise.all(sockets.map(socket => once(socket, 'connect')));
    await new Promise(resolve => setTimeout(resolve, 20));
    await expect(callAdmin(path, { command: 'count' })).rejects.toThrow('too many administrators at once');
    for (const socket of sockets) socket.destroy();
    await new Promise(resolve => setTimeout(resolve, 20));
    expect(await callAdmin(path, { command: 'count' })).toEqual({ rows: 3 });
  });
});

describe('callAdmin', () => {
  it('says what is wrong when nobody answers', async () => {
    await expect(callAdmin(path, { command: 'x' })).rejects.toThrow(
      `Postern is not running: nobody answers on ${path}`,
    );
    await expect(callAdmin(path, { command: 'x' })).rejects.toBeInstanceOf(AdminError);
  });

  it.skipIf(process.getuid?.() === 0)('says what is wrong without permission', async () => {
    await listen({ count });
    chmodSync(path, 0);
    await expect(callAdmin(path, { command: 'count' })).rejects.toThrow(/no permission .* run this as root/);
  });

  it('does not take anything for an answer', async () => {
    for (const bytes of ['hello\n', '{}\n', '[]\n', '']) {
      const other = createServer(socket => socket.resume().end(bytes));
      const at = join(directory, 'other.sock');
      await new Promise<void>(resolve => other.listen(at, resolve));
      await expect(callAdmin(at, { command: 'x' })).rejects.toThrow(/not one of a Postern server|without an answer/);
      await new Promise<void>(resolve => other.close(() => resolve()));
    }
  });
});

describe('readAdminSocket', () => {
  const config = (text: string) => {
    const file = join(directory, 'postern.yaml');
    writeFileSync(file, text);
    return readAdminSocket(file);
  };

  it('finds the socket, relative to the file, or the default', () => {
    expect(config('admin: { socket: /x/y.sock }')).toBe('/x/y.sock');
    expect(config('admin:\n  socket: run/y.sock # there\n')).toBe(join(directory, 'run/y.sock'));
    expect(config('listeners: []')).toBe('/run/postern/admin.sock');
    expect(config('admin: { socket: 5 }')).toBe('/run/postern/admin.sock');
    expect(config('- 1')).toBe('/run/postern/admin.sock');
    expect(config('')).toBe('/run/postern/admin.sock');
  });

  it('reads past mistakes elsewhere, which reload is to report', () => {
    expect(config('admin: { socket: /x/y.sock }\nroutes: [\n  : {{\n')).toBe('/x/y.sock');
  });

  it('says what to do when there is no such file', () => {
    expect(() => readAdminSocket(join(directory, 'none.yaml'))).toThrow(/ENOENT.*--config/);
  });
});
