import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { startServedDoor } from '../support/served-door.ts';
import { testCa } from '../support/test-ca.ts';

interface Ran {
  readonly code: number;
  readonly output: string;
}

describeWithPeers(['curl', 'openssl'], 'curl and the embedded store', () => {
  let postern: RunningPostern | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'postern-curl-'));
  beforeAll(async () => {
    postern = await startServedDoor();
  });
  afterAll(async () => {
    await postern?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  async function curl(path: string, ...more: readonly string[]): Promise<Ran> {
    const { file } = await testCa();
    const port = postern?.port('implicit');
    const args = ['-sS', '--cacert', file, '-u', 'alice:secret', `imaps://localhost:${port}/${path}`, ...more];
    return new Promise(resolve => {
      execFile('curl', args, { timeout: 20_000 }, (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr });
      });
    });
  }

  it('lists, appends, fetches, searches, changes and deletes', async () => {
    const letter = join(folder, 'letter.eml');
    const text = 'From: curl@example.org\r\nSubject: by curl\r\n\r\nHello from curl.\r\n';
    writeFileSync(letter, text);
    const listed = await curl('');
    expect(listed.output).toMatch(/^\* LIST \(.*\) "\/" INBOX\r?$/m);
    expect(listed.output).toMatch(/\\Sent\b.*Sent/);
    for (let count = 0; count < 2; count += 1) expect(await curl('INBOX', '-T', letter)).toMatchObject({ code: 0 });
    expect(await curl('INBOX;UID=1')).toEqual({ code: 0, output: text });
    expect((await curl('INBOX;MAILINDEX=2;SECTION=TEXT')).output).toBe('Hello from curl.\r\n');
    expect((await curl('INBOX?SUBJECT%20curl')).output).toBe('* SEARCH 1 2\r\n');
    expect((await curl('INBOX', '-X', 'STORE 1 +FLAGS (\\Deleted)')).output).toMatch(/FETCH \(.*\\Deleted/);
    expect((await curl('INBOX', '-X', 'EXPUNGE')).output).toContain('* 1 EXPUNGE');
    expect((await curl('INBOX', '-X', 'FETCH 1:* (UID)')).output).toContain('* 1 FETCH (UID 2');
  });

  it('is refused with a wrong password', async () => {
    const { code } = await curl('', '-u', 'alice:wrong');
    expect(code).toBe(67);
  });
});
