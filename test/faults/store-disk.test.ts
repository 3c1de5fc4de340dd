import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import type { RunningPostern } from '../support/postern.ts';
import { runCli } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';
import { ALICE, staticDoor, type TestUser, usersFile } from '../support/static-door.ts';

const BOB: TestUser = { login: 'bob', password: 'secret' };
/** Mounting needs root, and a container may forbid it even then. */
const canMount = process.getuid?.() === 0 && process.platform === 'linux' && tryMount();

function tryMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'postern-mount-'));
  try {
    mount(folder, 'size=1m');
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function mount(folder: string, options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' });
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function smallDisk(options: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-disk-'));
  mount(folder, options);
  undo.push(() => {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function door(data: string): Promise<RunningPostern> {
  const postern = await startServedDoor({
    users: [ALICE, BOB],
    limits: { drain: '100ms' },
    more: { server: { name: 'door.test', data } },
  });
  undo.push(() => postern.remove());
  return postern;
}

async function ok(client: ImapClient, command: string): Promise<readonly string[]> {
  const { tagged, untagged } = await client.command(command);
  expect(tagged).toMatch(/^\S+ OK/);
  return untagged;
}

/** What does not compress. */
const noise = (octets: number) =>
  Array.from({ length: octets / 8 }, () => Math.random().toString(36).slice(2, 10)).join('');

describe.skipIf(!canMount)('a disk that is full', () => {
  it('refuses what it has no room for, keeps what it acknowledged, and goes on when there is room again', async () => {
    const disk = smallDisk('size=12m');
    const data = join(disk, 'data');
    // What will be removed to make room.
    writeFileSync(join(disk, 'other'), Buffer.alloc(1 << 20));
    const postern = await door(data);
    const [alice, bob] = [await enter(postern, ALICE), await enter(postern, BOB)];
    await ok(bob, 'SELECT INBOX');
    const text = `Subject: big\r\n\r\n${noise(400_000)}\r\n`;
    let kept = 0;
    let refusal = '';
    while (refusal === '' && kept < 100) {
      const { tagged } = await alice.command(`APPEND INBOX {${text.length}+}`, text);
      if (/^\S+ OK/.test(tagged)) kept += 1;
      else refusal = tagged;
    }
    expect(kept).toBeGreaterThan(10);
    expect(refusal).toMatch(/^\S+ NO \[UNAVAILABLE\] The server has no space left\./);
    // The rest of the disk, to the last block.
    const filler = join(disk, 'filler');
    execFileSync('sh', ['-c', `cat /dev/zero > ${filler} 2> /dev/null || true`]);

    // Reading goes on, for everybody, on the same connections.
    await ok(alice, 'SELECT INBOX');
    expect((await ok(alice, `FETCH ${kept} (RFC822.SIZE)`)).join()).toContain(`RFC822.SIZE ${text.length}`);
    expect((await ok(alice, `FETCH 1 (BODY.PEEK[HEADER])`)).join()).toContain('Subject: big');
    await ok(bob, 'NOOP');
    // Whatever is written meanwhile is refused and does no harm.
    for (let count = 0; count < 20; count += 1) {
      const { tagged } = await alice.command(
        `STORE 1:${kept} ${count % 2 === 0 ? '+' : '-'}FLAGS (\\Flagged K${count})`,
      );
      expect(tagged).toMatch(/^\S+ (OK|NO \[UNAVAILABLE\])/);
    }
    expect((await alice.command(`APPEND INBOX {${text.length}+}`, text)).tagged).toMatch(/^\S+ NO/);
    await ok(alice, 'NOOP');

    rmSync(filler);
    rmSync(join(disk, 'other'));
    await ok(alice, `STORE 1 +FLAGS (\\Answered)`);
    const small = 'Subject: small\r\n\r\nsmall\r\n';
    expect((await alice.command(`APPEND INBOX {${small.length}+}`, small)).tagged).toMatch(/^\S+ OK/);
    await postern.stop();
    const looked = await postern.cli('repair', '--check', '--deep');
    expect(looked.stdout).toBe('2 sound, 0 repaired, 0 with faults, 0 not mended\n');
    await postern.start();
    const again = await enter(postern, ALICE);
    await ok(again, 'SELECT INBOX');
    expect(await ok(again, 'STATUS INBOX (MESSAGES)')).toEqual([`* STATUS INBOX (MESSAGES ${kept + 1})`]);
    expect((await ok(again, 'FETCH 1 (FLAGS)')).join()).toContain('\\Answered');
    again.close();
    alice.close();
    bob.close();
  }, 60_000);
});

describe('a data folder that cannot be written', () => {
  const serveOn = async (data: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-config-'));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'users.yaml'), usersFile([ALICE]), { mode: 0o600 });
    const routes = [{ store: 'local' }];
    const more = { server: { data }, admin: { socket: join(folder, 'admin.sock') } };
    const file = join(folder, 'postern.yaml');
    writeFileSync(file, JSON.stringify(await staticDoor({ routes, more })));
    return await runCli(['serve', '--config', file]);
  };

  it.skipIf(!canMount)('is told at the start: on a read-only file system', async () => {
    const disk = smallDisk('size=1m,ro');
    const { code, stderr } = await serveOn(join(disk, 'data'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^postern: server\.data: \S+ cannot be made \(.*read-only.*\); name a folder/m);
  });

  it.skipIf(!canMount)('is told at the start: on a full file system', async () => {
    const disk = smallDisk('size=64k');
    mkdirSync(join(disk, 'data'));
    execFileSync('sh', ['-c', `cat /dev/zero > ${disk}/filler 2> /dev/null || true`]);
    const { code, stderr } = await serveOn(join(disk, 'data'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^postern: server\.data: \S+ cannot be written \(.*full.*\); name a folder/m);
  });

  it('is told at the start: a file of that name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-file-'));
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'data'), '');
    const { code, stderr } = await serveOn(join(folder, 'data'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^postern: server\.data: \S+ cannot be made/m);
  });
});
