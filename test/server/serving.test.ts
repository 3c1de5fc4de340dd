import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';
import { ALICE, staticDoor, type TestUser, usersFile } from '../support/static-door.ts';

const BOB: TestUser = { login: 'bob', password: 'secret' };
const SERVE = [{ store: 'local' }];

let postern: RunningPostern | undefined;
const clients: ImapClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await postern?.remove();
  postern = undefined;
});

async function door(options: Parameters<typeof startServedDoor>[0] = {}): Promise<RunningPostern> {
  postern = await startServedDoor({ users: [ALICE, BOB], limits: { drain: '100ms' }, ...options });
  return postern;
}

async function session(user: TestUser = ALICE): Promise<ImapClient> {
  if (!postern) throw new Error('no server runs');
  const client = await enter(postern, user);
  clients.push(client);
  return client;
}

async function ok(client: ImapClient, command: string, ...parts: readonly string[]): Promise<readonly string[]> {
  const { tagged, untagged } = await client.command(command, ...parts);
  expect(tagged).toMatch(/^\S+ OK/);
  return untagged;
}

const append = (client: ImapClient, text: string) => ok(client, `APPEND INBOX {${text.length}}`, text);
const names = (lines: readonly string[]) => lines.map(line => /"\/" (.*)$/.exec(line.trim())?.[1]);

const config = (local: object) =>
  staticDoor({ limits: { drain: '100ms' }, routes: SERVE, more: { stores: { local } } });

describe('a reload', () => {
  it('drops nobody who is served, and counts for those who come', async () => {
    const server = await door();
    const alice = await session();
    await ok(alice, 'SELECT INBOX');
    const folders = { Entwürfe: 'drafts', Notizen: 'none' };
    const { code, stdout } = await server.reload(await config({ folders, threads: 3 }));
    expect(code).toBe(0);
    expect(stdout).toContain('applied: stores.local.folders changed');
    expect(stdout).toContain('needs a restart: stores.local.threads');
    await append(alice, 'Subject: a\r\n\r\na\r\n');
    expect(await ok(alice, 'NOOP')).toEqual([]);
    expect(await ok(alice, 'FETCH 1 (BODY.PEEK[TEXT])')).toHaveLength(1);
    // Who is new gets the folders of the new file; who was there keeps what was made.
    expect(names(await ok(await session(BOB), 'LIST "" "*"'))).toEqual(['Entw&APw-rfe', 'INBOX', 'Notizen']);
    expect(names(await ok(await session(), 'LIST "" "*"'))).toContain('Drafts');
  });

  it('may be what begins to serve; a folder that another server works in refuses it', async () => {
    postern = await startPostern(await staticDoor({}), { files: { 'users.yaml': usersFile([ALICE]) } });
    await expect(enter(postern)).rejects.toThrow(/CONTACTADMIN/);
    const other = await startServedDoor({ users: [ALICE] });
    try {
      const data = join(other.folder, 'data');
      const taken = { ...(await config({})), server: { name: 'door.test', data } };
      const refused = await startPostern(taken, { files: { 'users.yaml': usersFile([ALICE]) } }).catch(String);
      expect(refused).toContain(`another Postern works in ${data}`);
    } finally {
      await other.remove();
    }
    expect((await postern.reload(await config({}))).code).toBe(0);
    await append(await session(), 'Subject: a\r\n\r\na\r\n');
  });
});

describe('create: never', () => {
  it('keeps out those who have no mailboxes, with a text of its own, and nobody else', async () => {
    const server = await door();
    await append(await session(), 'Subject: a\r\n\r\na\r\n');
    await server.reload(await config({ create: 'never' }));
    expect(await ok(await session(), 'STATUS INBOX (MESSAGES)')).toEqual(['* STATUS INBOX (MESSAGES 1)']);
    await expect(session(BOB)).rejects.toThrow(/NO \[CONTACTADMIN\]/);
    const line = await server.waitForLog(
      ({ audit, given, outcome }) => audit === 'login' && given === 'bob' && outcome !== 'ok',
    );
    expect(line).toMatchObject({
      outcome: 'no-route',
      detail: expect.stringContaining('stores.local.create is never'),
    });
    expect(
      readdirSync(join(server.folder, 'data', 'accounts'), { recursive: true }).filter(name =>
        /index\.db$/.test(String(name)),
      ),
    ).toHaveLength(1);
  });
});

describe('SIGTERM', () => {
  it('says BYE to those who are served, ends with 0, and what was acknowledged is there afterwards', async () => {
    const server = await door();
    const alice = await session();
    await append(alice, 'Subject: a\r\n\r\na\r\n');
    await ok(alice, 'SELECT INBOX');
    await ok(alice, 'STORE 1 +FLAGS (\\Flagged Work)');
    const ended = server.stop();
    expect(await alice.readLine()).toMatch(/^\* BYE /);
    expect(await ended).toEqual({ status: 0, signal: null });
    await server.start();
    const again = await session();
    await ok(again, 'SELECT INBOX');
    expect((await ok(again, 'FETCH 1 (FLAGS)')).join()).toMatch(/\\Flagged Work/);
  });
});

describe('a damaged account', () => {
  it('answers NO [SERVERBUG], the log says what to do, and nobody else notices', async () => {
    const server = await door();
    await append(await session(), 'Subject: a\r\n\r\na\r\n');
    await append(await session(BOB), 'Subject: b\r\n\r\nb\r\n');
    for (const client of clients.splice(0)) client.close();
    const { account } = await server.waitForLog(({ audit, given }) => audit === 'login' && given === 'alice');
    await server.stop();
    const folder = join(server.folder, 'data', 'accounts', String(account).slice(0, 2), String(account));
    rmSync(join(folder, 'index.db'));
    await server.start();
    await expect(session()).rejects.toThrow(/NO \[SERVERBUG\] This cannot be read; please tell your administrator\./);
    await server.waitForLog(({ mend }) => String(mend).includes(`postern repair --account ${account}`));
    const bob = await session(BOB);
    expect(await ok(bob, 'STATUS INBOX (MESSAGES)')).toEqual(['* STATUS INBOX (MESSAGES 1)']);

    // With the server running; nobody else is disturbed.
    const repaired = await server.cli('repair', '--account', 'alice');
    expect(repaired).toMatchObject({ code: 0, stdout: expect.stringContaining('1 messages in Recovered') });
    expect(await ok(bob, 'STATUS INBOX (MESSAGES)')).toEqual(['* STATUS INBOX (MESSAGES 1)']);
    const alice = await session();
    await ok(alice, 'SELECT Recovered');
    expect((await ok(alice, 'FETCH 1 (BODY.PEEK[])')).join()).toContain('Subject: a\r\n\r\na\r\n');
  });

  it('of which a message cannot be read answers for the others', async () => {
    const server = await door();
    const alice = await session();
    for (const text of ['one', 'two', 'three']) await append(alice, `Subject: ${text}\r\n\r\n${text}\r\n`);
    const accounts = join(server.folder, 'data', 'accounts');
    const blobs = readdirSync(accounts, { recursive: true, encoding: 'utf8' }).filter(name =>
      /\/[0-9a-f]{32}$/.test(name),
    );
    rmSync(join(accounts, blobs.sort()[1] ?? ''));
    await ok(alice, 'SELECT INBOX');
    const { tagged, untagged } = await alice.command('FETCH 1:3 (BODY.PEEK[TEXT])');
    expect(tagged).toMatch(/^\S+ NO \[SERVERBUG\]/);
    expect(untagged.join()).toMatch(/one.*three/s);
    expect(untagged.join()).not.toMatch(/two/);
    expect((await ok(alice, 'FETCH 1:3 (RFC822.SIZE BODY.PEEK[HEADER])')).join()).toMatch(/Subject: two/);
  });
});

describe('the running server', () => {
  it('tells how the mail is, in status and metrics', async () => {
    const server = await door({ more: { admin: { http: '127.0.0.1:0' } } });
    await append(await session(), 'Subject: a\r\n\r\na\r\n');
    const { stdout } = await server.cli('status');
    expect(stdout).toMatch(/^mail +\S+: 1 accounts open, used by 1 sessions, .* free$/m);
    const { adminHttp } = server.log.find(({ msg }) => msg === 'ready') ?? {};
    const text = await (await fetch(`http://${adminHttp}/metrics`)).text();
    expect(text).toMatch(/^postern_index_seconds_count\{operation="append",outcome="ok"\} 1$/m);
    expect(text).toMatch(/^postern_blobs_total\{operation="put"\} 1$/m);
    expect(text).toMatch(/^postern_accounts_open 1$/m);
    expect(text).toMatch(/^postern_data_writable 1$/m);
    expect(text).toMatch(/^postern_data_free_bytes [1-9]\d+$/m);
  });

  it.skipIf(process.platform !== 'linux')(
    'works on files by sixteen threads, unless it is told otherwise',
    async () => {
      const threads = (pid: number) =>
        readdirSync(`/proc/${pid}/task`)
          .map(task => readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8'))
          .filter(name => name.startsWith('libuv-worker')).length;
      const server = await door();
      await append(await session(), 'Subject: a\r\n\r\na\r\n');
      expect(threads(server.pid)).toBe(16);
      await server.remove();
      const other = await door({ env: { UV_THREADPOOL_SIZE: '5' } });
      await append(await session(), 'Subject: a\r\n\r\na\r\n');
      expect(threads(other.pid)).toBe(5);
    },
  );
});
