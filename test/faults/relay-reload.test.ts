import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { isAlive, signalProcess, until } from '../support/processes.ts';
import {
  clear,
  complaints,
  nobodyLeft,
  type RelayChoices,
  RelayStand,
  relayConfig,
  usersFile,
} from '../support/relay-stand.ts';
import { testCa } from '../support/test-ca.ts';

const CONNECTIONS = 200;
const LIMITS = { per_address: 1000, per_login: 1000, drain: '200ms' };
/** A busy machine may be slow with two hundred at once; what is shown does not depend on it. */
const PATIENT = { timeout: 30_000 };

const stand = new RelayStand();
afterEach(() => stand.close());

/** Clients that never stop asking, and what they got that they should not have. */
class Crowd {
  readonly clients: readonly ImapClient[];
  readonly faults: string[] = [];
  /** Rounds of commands that each client has got answers to. */
  readonly rounds: number[];
  #over = false;
  readonly #done: Promise<unknown>;

  constructor(clients: readonly ImapClient[]) {
    this.clients = clients;
    this.rounds = clients.map(() => 0);
    this.#done = Promise.all(clients.map((client, index) => this.#ask(client, index)));
  }

  /** Waits until each has got answers to something it asked only now. */
  async everybodyServed(): Promise<void> {
    const before = [...this.rounds];
    await until(
      'everybody is served',
      () => this.faults.length > 0 || this.rounds.every((count, index) => count > (before[index] ?? 0) + 1),
      PATIENT.timeout,
    );
    expect(this.faults).toEqual([]);
  }

  async leave(): Promise<void> {
    this.#over = true;
    await this.#done;
  }

  async #ask(client: ImapClient, index: number): Promise<void> {
    try {
      while (!this.#over) {
        for (const command of ['NOOP', 'FETCH 1 BODY.PEEK[]']) {
          const { tagged, untagged } = await client.command(command);
          const whole = command === 'NOOP' || untagged.some(line => line.endsWith('of the old server\r\n)'));
          if (!tagged.includes(' OK ') || !whole) this.faults.push(`${index}: ${command}: ${tagged}`);
        }
        this.rounds[index] = (this.rounds[index] ?? 0) + 1;
      }
      await client.logout();
    } catch (error) {
      this.faults.push(`${index}: ${error}`);
    }
  }
}

async function openCrowd(postern: RunningPostern, count: number): Promise<Crowd> {
  const clients: ImapClient[] = [];
  // Some at a time: two hundred handshakes at once are another test.
  while (clients.length < count) {
    const kinds = (['implicit', 'starttls', 'none', 'implicit'] as const).slice(0, count - clients.length);
    const opened = await Promise.all(kinds.map(tls => stand.login(postern, 'alice', { ...PATIENT, tls })));
    for (const client of opened) await client.command('SELECT INBOX');
    clients.push(...opened);
  }
  return new Crowd(clients);
}

/** Where new logins lead, and what certificate they see. */
async function newcomer(postern: RunningPostern) {
  const client = await stand.login(postern, 'alice', PATIENT);
  const serial = client.tls.getPeerCertificate().serialNumber;
  await client.command('SELECT INBOX');
  const [text = ''] = (await client.command('FETCH 1 BODY.PEEK[TEXT]')).untagged;
  await client.logout();
  return { serial, server: /of the (old|new) server/.exec(text)?.[1] };
}

async function twoServers() {
  const [old, fresh] = [await stand.dovecot(), await stand.dovecot()];
  old.deliver('alice', `Subject: x\r\n\r\n${'x'.repeat(3000)}\r\nof the old server\r\n`);
  fresh.deliver('alice', 'Subject: x\r\n\r\nof the new server\r\n');
  const { good, renewed } = await testCa();
  const before: RelayChoices = { upstreams: { old: clear(old), new: clear(fresh) }, limits: LIMITS, certificate: good };
  const after: RelayChoices = { ...before, routes: [{ relay: 'new' }], certificate: renewed };
  return { before, after };
}

describeWithPeers(['dovecot', 'openssl'], 'a reload', () => {
  it(`changes route and certificate under ${CONNECTIONS} busy connections, none of which notices`, async () => {
    const { before, after } = await twoServers();
    const postern = await stand.postern(before);
    const crowd = await openCrowd(postern, CONNECTIONS);
    await crowd.everybodyServed();
    const first = await newcomer(postern);
    expect(first.server).toBe('old');

    const { code, stdout } = await postern.reload(await relayConfig(after));
    expect(code).toBe(0);
    expect(stdout).toContain('applied: routes changed');
    expect(stdout).toContain('applied: tls.certificates changed');
    const second = await newcomer(postern);
    expect(second.server).toBe('new');
    expect(second.serial).not.toBe(first.serial);
    await crowd.everybodyServed();

    // And back, by the signal that service managers send.
    postern.writeConfig(await relayConfig(before));
    const from = postern.log.length;
    signalProcess(postern.pid, 'SIGHUP');
    await postern.waitForLog(({ msg }) => msg === 'configuration reloaded', { from });
    expect(await newcomer(postern)).toEqual(first);

    // Without the upstream that everybody is at, and without the listeners they came by.
    const { old: _old, ...upstreams } = after.upstreams;
    const config = await relayConfig({ ...after, upstreams });
    const listeners = [{ name: 'implicit', address: '127.0.0.1:0', tls: 'implicit' }];
    expect((await postern.reload({ ...config, listeners })).code).toBe(0);
    await crowd.everybodyServed();
    await crowd.leave();
    expect(crowd.faults).toEqual([]);
    await nobodyLeft(postern);
    expect(complaints(postern)).toEqual([]);
  }, 60_000);

  it('of an invalid file changes nothing, and says where it is wrong', async () => {
    const { before, after } = await twoServers();
    const postern = await stand.postern(before);
    const crowd = await openCrowd(postern, 8);
    const first = await newcomer(postern);
    const valid = await relayConfig(after);
    for (const [broken, complaint] of [
      [{ ...valid, routes: [{ relay: 'nowhere' }] }, /postern\.yaml:\d+:.*nowhere/],
      [
        { ...valid, tls: { certificates: [{ certificate: '/nowhere.crt', key: '/nowhere.key' }] } },
        /postern\.yaml:\d+:.*nowhere/,
      ],
      [{ ...valid, routs: [] }, /postern\.yaml:\d+:.*routs/],
    ] as const) {
      const { code, stderr } = await postern.reload(broken);
      expect(code).toBe(78);
      expect(stderr).toMatch(complaint);
      expect(stderr).toContain('Nothing was changed.');
      expect(await newcomer(postern)).toEqual(first);
    }
    // An address that somebody else listens on is found only by trying.
    const taken = { name: 'more', address: `127.0.0.1:${postern.port('none')}`, tls: 'implicit' };
    const listeners = Array.isArray(valid.listeners) ? [...valid.listeners, taken] : [];
    const failed = await postern.reload({ ...valid, listeners });
    expect(failed.code).toBe(78);
    expect(failed.stderr).toContain('EADDRINUSE');
    expect(await newcomer(postern)).toEqual(first);
    signalProcess(postern.pid, 'SIGHUP');
    await postern.waitForLog(({ msg }) => typeof msg === 'string' && msg.startsWith('configuration not reloaded'));
    await crowd.everybodyServed();
    await crowd.leave();
    expect(crowd.faults).toEqual([]);
    expect((await postern.reload(valid)).code).toBe(0);
    expect((await newcomer(postern)).server).toBe('new');
  });
});

describeWithPeers(['dovecot', 'openssl'], 'relayed sessions', () => {
  it('are told BYE by a drain, which ends within its limits with status 0', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({ upstreams: { store: clear(dovecot) }, limits: { ...LIMITS, drain: '1s' } });
    const busy = await Promise.all(
      (['implicit', 'starttls', 'none'] as const).map(tls => stand.login(postern, 'alice', { tls })),
    );
    const idle = await stand.login(postern);
    await idle.send('i IDLE');
    await idle.waitFor(/^\+ .*\r\n/m);
    const leaving = await stand.login(postern, 'bob');
    const stranger = await stand.client(postern);
    const halfway = await stand.client(postern);
    await halfway.send('a LOGIN {5}');
    await halfway.waitFor(/^\+ .*\r\n/m);
    const pid = postern.pid;
    const stopped = postern.stop();
    for (const client of [stranger, halfway]) expect(await client.readToEnd()).toMatch(/^\* BYE .*Shutting down/m);
    // Whoever is at it may finish.
    await leaving.logout();
    await expect(stand.login(postern, 'bob')).rejects.toThrow();
    for (const client of [...busy, idle]) expect(await client.readToEnd()).toMatch(/^\* BYE .*Shutting down/m);
    expect(await stopped).toEqual({ status: 0, signal: null });
    expect(isAlive(pid)).toBe(false);
    expect(postern.log.at(-1)?.msg).toBe('stopped');
    expect(complaints(postern)).toEqual([]);
  });

  it('do not hold a drain up, even when they stop reading or the server is frozen', async () => {
    const dovecot = await stand.dovecot();
    dovecot.deliver('alice', `Subject: big\r\n\r\n${'x'.repeat(98).concat('\r\n').repeat(300_000)}`);
    const postern = await stand.postern({ upstreams: { store: clear(dovecot) } });
    for (const tls of ['implicit', 'none'] as const) {
      const client = await stand.login(postern, 'alice', { tls });
      await client.command('SELECT INBOX');
      await client.send('f FETCH 1 BODY.PEEK[]');
      await client.waitFor(/\{\d+\}\r\n/);
      client.socket.pause();
    }
    await stand.login(postern, 'bob');
    dovecot.freeze();
    expect(await postern.stop()).toEqual({ status: 0, signal: null });
    dovecot.thaw();
  });

  it('are listed, filtered and ended by an administrator', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({ upstreams: { store: clear(dovecot) } });
    const alice = await stand.login(postern, 'alice');
    const other = await stand.login(postern, 'alice', { tls: 'none' });
    const bob = await stand.login(postern, 'bob', { localAddress: '127.0.0.5' });
    const { stdout } = await postern.cli('sessions', '--json');
    const rows = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line));
    const server = `127.0.0.1:${dovecot.ports.plain}`;
    const shared = { phase: 'relay', upstream: 'store', server };
    expect(rows).toEqual([
      expect.objectContaining({ ...shared, login: 'alice', listener: 'implicit', secure: 'TLSv1.3' }),
      expect.objectContaining({ ...shared, login: 'alice', listener: 'none', secure: null }),
      expect.objectContaining({ ...shared, login: 'bob', address: '127.0.0.5' }),
    ]);
    expect((await postern.cli('sessions')).stdout).toMatch(/alice.*alice.*bob.*3 sessions/s);
    expect((await postern.cli('sessions', '--address', '127.0.0.5')).stdout).toMatch(/bob.*1 session\n/s);

    const kicked = await postern.cli('sessions', 'kick', '--login', 'alice', '--reason', 'moved house');
    expect(kicked.code).toBe(0);
    expect(kicked.stdout).toContain('2 sessions ended');
    for (const client of [alice, other]) expect(await client.readToEnd()).toBe('* BYE moved house\r\n');
    expect((await bob.command('NOOP')).tagged).toMatch(/ OK /);
    await until('two are gone', async () => (await postern.cli('sessions')).stdout.includes('1 session\n'));
    await until('the upstream has noticed', () => (dovecot.logText().match(/Disconnected/g)?.length ?? 0) >= 2);
    expect(postern.log.find(({ audit }) => audit === 'session-kicked')).toMatchObject({ kicked: 2 });
    expect((await stand.login(postern, 'alice')).greeting).toMatch(/ OK /);
    expect(complaints(postern)).toEqual([]);
  });

  it('end when the directory has their user no more', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({
      upstreams: { store: clear(dovecot) },
      authentication: { recheck: '300ms' },
    });
    const alice = await stand.login(postern, 'alice');
    const idle = await stand.login(postern, 'alice');
    await idle.send('i IDLE');
    await idle.waitFor(/^\+ .*\r\n/m);
    const bob = await stand.login(postern, 'bob');
    const replaceUsers = (text: string) => {
      writeFileSync(join(postern.folder, 'users.new'), text);
      renameSync(join(postern.folder, 'users.new'), join(postern.folder, 'users.yaml'));
    };
    replaceUsers(usersFile({ bob: 'secret' }));
    for (const client of [alice, idle]) expect(await client.readToEnd()).toMatch(/^\* BYE Your account may not use /);
    await postern.waitForLog(({ audit }) => audit === 'session-revoked');
    expect((await bob.command('NOOP')).tagged).toMatch(/ OK /);
    const again = await stand.client(postern);
    expect((await again.command('LOGIN alice secret')).tagged).toMatch(/ NO \[AUTHENTICATIONFAILED\] /);
    // One who comes back is somebody to check again, and a file that cannot be read ends nobody's session.
    replaceUsers(usersFile());
    const back = await stand.login(postern, 'alice');
    replaceUsers('users: [');
    await postern.waitForLog(({ level, directory }) => level === 'error' && directory === 'few');
    expect((await back.command('NOOP')).tagged).toMatch(/ OK /);
  });
});
