import { connect as connectTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

let postern: RunningPostern | undefined;
afterEach(() => postern?.remove());

async function start(limits: Readonly<Record<string, unknown>>): Promise<RunningPostern> {
  const config = await staticDoor({ limits, more: { admin: { http: '127.0.0.1:0' } } });
  postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  return postern;
}

async function metrics({ log }: RunningPostern): Promise<string> {
  const address = String(log.find(({ msg }) => msg === 'ready')?.adminHttp);
  return (await fetch(`http://${address}/metrics`)).text();
}

const TOO_MANY = '* BYE [UNAVAILABLE] Too many connections.';

/** A TCP connection that says nothing; resolves with everything it was told when it is closed. */
function listenOnly(port: number, localAddress?: string) {
  const socket = connectTcp({ port, host: '127.0.0.1', ...(localAddress ? { localAddress } : {}) });
  let heard = '';
  socket.on('data', chunk => {
    heard += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<string>(resolve => socket.once('close', () => resolve(heard)));
  return { socket, closed, heard: () => heard };
}

describe('a full house', () => {
  for (const kind of ['none', 'starttls', 'implicit'] as const) {
    it(`tells who comes too late why (${kind}), and lets them in when somebody has left`, async () => {
      const door = await start({ connections: 2, per_address: 2 });
      const tls = kind === 'implicit' ? 'implicit' : 'none';
      const connect = () => ImapClient.connect({ port: door.port(kind), tls });
      const [first, second] = [await connect(), await connect()];
      const late = await connect();
      expect(late.greeting).toBe(TOO_MANY);
      expect(await late.readToEnd()).toBe('');
      await late.closed;
      expect((await first.command('NOOP')).tagged).toMatch(/ OK /);
      expect((await second.command('NOOP')).tagged).toMatch(/ OK /);
      await first.logout();
      await until('there is room again', async () => {
        const next = await connect();
        const welcome = next.greeting.startsWith('* OK ');
        next.close();
        return welcome;
      });
      expect(await metrics(door)).toMatch(/^postern_connections_refused_total\{reason="connections"\} [1-9]/m);
    });
  }

  it('has its limit for each address', async () => {
    const door = await start({ connections: 100, per_address: 2 });
    const from = (localAddress: string) => listenOnly(door.port('none'), localAddress);
    const greeted = [from('127.0.0.11'), from('127.0.0.11'), from('127.0.0.12')];
    await until('they are greeted', () => greeted.every(({ heard }) => heard().startsWith('* OK ')));
    expect(await from('127.0.0.11').closed).toBe(`${TOO_MANY}\r\n`);
    const other = from('127.0.0.12');
    await until('another address is greeted', () => other.heard().startsWith('* OK '));
    for (const { socket } of [...greeted, other]) socket.destroy();
    expect(await metrics(door)).toMatch(/^postern_connections_refused_total\{reason="per_address"\} 1$/m);
  });

  it('does not count for ever those who leave without a word, nor those who never begin TLS', async () => {
    const door = await start({ connections: 3, per_address: 3, handshake: '1s' });
    for (let round = 0; round < 5; round += 1) {
      const silent = Array.from({ length: 3 }, () => listenOnly(door.port('implicit')));
      await Promise.all(silent.map(({ closed }) => closed));
      const rude = Array.from({ length: 3 }, () => listenOnly(door.port('none')));
      await until('they are answered', () => rude.every(({ heard }) => heard() !== ''));
      for (const { socket } of rude) socket.resetAndDestroy();
    }
    await until('there is room', async () => {
      const client = await ImapClient.connect({ port: door.port('none') });
      client.close();
      return client.greeting.startsWith('* OK ');
    });
    expect(await metrics(door)).toMatch(/^postern_tls_handshake_failures_total\{reason="timeout"\} [1-9]/m);
  });

  it('is not emptied by refusing: hundreds of refusals over TLS, and those inside are answered', async () => {
    const door = await start({ connections: 1, per_address: 1 });
    const inside = await ImapClient.connect({ port: door.port('implicit'), tls: 'implicit' });
    const crowd = Array.from({ length: 300 }, () => listenOnly(door.port('implicit')));
    expect((await inside.command('NOOP')).tagged).toMatch(/ OK /);
    for (const { socket } of crowd) socket.destroy();
    await until('somebody is told', async () => {
      const client = await ImapClient.connect({ port: door.port('implicit'), tls: 'implicit' }).catch(() => undefined);
      client?.close();
      return client?.greeting === TOO_MANY;
    });
    await inside.logout();
  });
});
