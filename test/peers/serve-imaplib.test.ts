import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { startServedDoor } from '../support/served-door.ts';
import { testCa } from '../support/test-ca.ts';

const script = fileURLToPath(new URL('./serve-imaplib.py', import.meta.url));
const execute = promisify(execFile);

describeWithPeers(['python3', 'openssl'], 'imaplib and the embedded store', () => {
  let postern: RunningPostern | undefined;
  beforeAll(async () => {
    postern = await startServedDoor();
  });
  afterAll(() => postern?.remove());

  it.each(['implicit', 'starttls'])('goes through every command over %s', async listener => {
    const { file } = await testCa();
    const { stdout } = await execute(
      'python3',
      [script, file, `${postern?.port(listener)}`, listener, 'alice', 'secret'],
      {
        timeout: 25_000,
      },
    );
    expect(stdout).toContain('all done');
  });
});
