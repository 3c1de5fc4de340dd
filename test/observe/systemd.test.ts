import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { notifySystemd, reloadingState } from '../../src/observe/systemd.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-systemd-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const installed = ['systemd-notify', 'python3'].every(tool => spawnSync(tool, ['--version']).status === 0);

/** Plays the manager: prints every datagram as one line of JSON. */
const MANAGER = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 4096, 4)
    for fd in fds: socket.close(fd)
    print(json.dumps(data.decode()), flush=True)
`;

describe('notifySystemd', () => {
  it('does nothing without systemd', async () => {
    expect(await notifySystemd('READY=1', { PATH: directory })).toBe(false);
  });

  it('does not fail without the tool, or with a socket that is gone', async () => {
    expect(await notifySystemd('READY=1', { PATH: directory, NOTIFY_SOCKET: join(directory, 'none') })).toBe(false);
    expect(await notifySystemd('READY=1', { ...process.env, NOTIFY_SOCKET: join(directory, 'none') })).toBe(false);
  });

  it('hands each assignment to the tool', async () => {
    const out = join(directory, 'out');
    writeFileSync(join(directory, 'systemd-notify'), `#!/bin/sh\nprintf '%s|' "$@" > '${out}'\n`, { mode: 0o755 });
    const env = { PATH: directory, NOTIFY_SOCKET: '/x' };
    expect(await notifySystemd('READY=1\nSTATUS=20 sessions; $(false)\n', env)).toBe(true);
    expect(readFileSync(out, 'utf8')).toBe('READY=1|STATUS=20 sessions; $(false)|');
    expect(reloadingState(5n)).toBe('RELOADING=1\nMONOTONIC_USEC=5');
  });

  it.skipIf(!installed)('is heard by the manager', async () => {
    const path = join(directory, 'notify');
    const manager = spawn('python3', ['-c', MANAGER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const heard = createInterface(manager.stdout)[Symbol.asyncIterator]();
      expect((await heard.next()).value).toBe('"bound"');
      expect(await notifySystemd('READY=1\nSTATUS=up', { ...process.env, NOTIFY_SOCKET: path })).toBe(true);
      expect((await heard.next()).value).toBe('"READY=1\\nSTATUS=up"');
    } finally {
      manager.kill();
      await once(manager, 'exit');
    }
  });
});
