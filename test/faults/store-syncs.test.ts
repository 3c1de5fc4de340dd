import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';
import { type SystemCall, SystemCalls } from '../support/system-calls.ts';

const WATCHED = ['fsync', 'fdatasync', 'rename', 'renameat', 'renameat2', 'write', 'writev', 'sendmsg', 'sendto'];
const MESSAGE = 'Subject: kept\r\n\r\nWhatever happens.\r\n';

describeWithPeers(['strace'], 'the order of syncs', () => {
  let postern: RunningPostern | undefined;
  afterEach(() => postern?.remove());

  /** What the system is asked for while a command runs. */
  async function during(...parts: readonly string[]): Promise<readonly SystemCall[]> {
    postern = await startServedDoor();
    const client = await enter(postern);
    // The folders, the index and its log are there, as they are after the first message.
    for (const flags of ['()', '(\\Deleted)'])
      await client.command(`APPEND INBOX ${flags} {${MESSAGE.length}+}`, MESSAGE);
    await client.command('SELECT INBOX');
    const calls = await SystemCalls.watch(postern.pid, join(postern.folder, 'strace'), WATCHED);
    const { tagged } = await client.command(...parts);
    expect(tagged).toMatch(/ OK /);
    client.close();
    return calls.stop();
  }

  const isSync = ({ name }: SystemCall) => name === 'fsync' || name === 'fdatasync';
  const inLog = (call: SystemCall) => isSync(call) && /index\.db-wal>/.test(call.text);
  const answer = ({ name, text }: SystemCall) => /^(write|writev|sendmsg|sendto)$/.test(name) && / OK /.test(text);

  it('is content, name, folder, index, and only then OK, for APPEND', async () => {
    const calls = await during(`APPEND INBOX {${MESSAGE.length}+}`, MESSAGE);
    const steps: readonly [string, (call: SystemCall) => boolean][] = [
      ['content', call => isSync(call) && /blobs\/tmp\/[^/>]+>/.test(call.text)],
      ['name', ({ name, text }) => name.startsWith('rename') && /blobs\/tmp\/.*blobs\//.test(text)],
      ['folder', call => isSync(call) && /blobs\/[0-9a-f]+\/[0-9a-f]+>/.test(call.text)],
      ['index', inLog],
      ['OK', answer],
    ];
    let before = -1;
    for (const [step, fits] of steps) {
      const call = calls.find(seen => seen.begun > before && fits(seen));
      expect(call, `${step} after line ${before} of\n${JSON.stringify(calls, null, 1)}`).toBeDefined();
      before = call?.ended ?? before;
    }
    // Nothing was told before.
    expect(calls.filter(answer)).toHaveLength(1);
  });

  it.each([
    ['STORE', 'STORE 1 +FLAGS (\\Flagged)'],
    ['COPY', 'COPY 1:2 Archive'],
    ['MOVE', 'MOVE 1 Archive'],
    ['EXPUNGE', 'EXPUNGE'],
    ['CREATE', 'CREATE New'],
  ])('is the index, and only then OK, for %s', async (_name, command) => {
    const calls = await during(command);
    const synced = calls.find(inLog);
    const told = calls.find(answer);
    expect(synced, JSON.stringify(calls, null, 1)).toBeDefined();
    expect(told?.begun).toBeGreaterThan(synced?.ended ?? Infinity);
  });
});
