import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { long } from '../support/long.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { startServedDoor } from '../support/served-door.ts';
import { FILLED, FLAGS, MaildirMirror, mirroredMessage, PATIENCE_MS } from './maildir-mirror.ts';

const COUNT = long ? 20_000 : 5000;
/** P is the keyword $Forwarded: the only one mbsync knows. */
const WRITTEN = [...FLAGS, 'P', 'FPS'];

let postern: RunningPostern | undefined;
let folder = '';
afterEach(async () => {
  await postern?.remove();
  rmSync(folder, { recursive: true, force: true });
});

describeWithPeers(['mbsync', 'openssl'], 'mbsync and the embedded store', () => {
  it(
    `pushes ${COUNT} messages, and pulls them into an identical Maildir`,
    async () => {
      // In memory where there is a folder for that: thousands of syncs of a disk are no test of anything.
      folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'postern-mbsync-'));
      const door = await startServedDoor({ more: { server: { name: 'door.test', data: join(folder, 'data') } } });
      postern = door;
      const written = await MaildirMirror.make(folder, 'written', door.port('implicit'), 'IMAPS', 'Both');
      for (let index = 0; index < COUNT; index += 1) {
        const flags = WRITTEN[index % WRITTEN.length] ?? '';
        written.put(FILLED[index % FILLED.length] ?? '', mirroredMessage(index), flags, 1_500_000_000 + index * 1000);
      }
      await written.sync();
      expect(written.contents().size).toBe(COUNT);

      const read = await MaildirMirror.make(folder, 'read', door.port('implicit'), 'IMAPS');
      await read.sync();
      expectSame(read, written);
      // The folders that every account begins with came along.
      for (const name of ['Drafts', 'Sent', 'Junk', 'Trash', 'Archive']) expect(read.has(name)).toBe(true);

      // What changes at one reaches the other.
      read.flagAndRemove('INBOX');
      read.add('&ZeVnLIqe-', mirroredMessage(1_000_001));
      await read.sync();
      await written.sync();
      expectSame(read, written);
      expect(read.contents().size).toBe(COUNT);
      expect(door.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    },
    4 * PATIENCE_MS,
  );
});

function expectSame(one: MaildirMirror, other: MaildirMirror): void {
  const [here, there] = [one.messages(), other.messages()];
  const [inHere, inThere] = [new Set(here), new Set(there)];
  // Told apart first: all messages would be printed otherwise.
  expect(here.filter(line => !inThere.has(line)).slice(0, 3)).toEqual([]);
  expect(there.filter(line => !inHere.has(line)).slice(0, 3)).toEqual([]);
  expect(here.length).toBe(there.length);
}
