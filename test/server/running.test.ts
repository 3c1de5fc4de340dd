import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Socket, connect as tcp } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { ALICE, ALL_KINDS, staticDoor, usersFile } from '../support/static-door.ts';

/** Far less than any of the time-outs that must not be waited for, and much more than a busy machine needs. */
const PROMPTLY_MS = 12_000;

describe('a running server', () => {
  const cleanup: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of cleanup.splice(0).toReversed()) await step();
  });

  async function start(options: Parameters<typeof staticDoor>[0] = {}): Promise<RunningPostern> {
    const postern = await startPostern(await staticDoor(options), { files: { 'users.yaml': usersFile([ALICE]) } });
    cleanup.push(() => postern.remove());
    return postern;
  }

  function connect(port: number): Socket {
    const socket = tcp({ host: '127.0.0.1', port }).on('error', () => {});
    cleanup.push(() => socket.destroy());
    return socket.resume();
  }

  async function client(postern: RunningPostern, name = 'none'): Promise<ImapClient> {
    const opened = await ImapClient.connect({ port: postern.port(name) });
    cleanup.push(() => opened.close());
    return opened;
  }

  /** Ends it, and tells how long that took and how it ended. */
  async function stopped(postern: RunningPostern) {
    const begun = performance.now();
    const exit = await postern.stop();
    return { ...exit, promptly: performance.now() - begun < PROMPTLY_MS };
  }

  describe('told to stop', () => {
    it('waits for no handshake, no PROXY header and no silent upstream', async () => {
      const upstream = await ScriptedUpstream.start(() => {});
      cleanup.push(() => upstream.stop());
      const postern = await start({
        upstream: upstream.port,
        listeners: [
          ...ALL_KINDS,
          { name: 'proxied', address: '127.0.0.1:0', tls: 'none', proxy_protocol: { from: ['127.0.0.0/8'] } },
        ],
        limits: { drain: '100ms', handshake: '10m', authenticate: '10m' },
        upstreamKeys: { timeout: '10m' },
      });
      // Postern's own question, to which it gets no answer.
      await upstream.connection(0);
      connect(postern.port('implicit'));
      connect(postern.port('proxied')).write('PROXY ');
      const halfway = connect(postern.port('starttls'));
      halfway.write('a STARTTLS\r\n');
      const idle = await client(postern);
      const slow = await client(postern);
      await slow.send(`a LOGIN ${ALICE.login} ${ALICE.password}`);
      await upstream.connection(1);
      expect(await stopped(postern)).toEqual({ status: 0, signal: null, promptly: true });
      for (const each of [idle, slow]) expect(await each.readToEnd()).toBe('* BYE [UNAVAILABLE] Shutting down.\r\n');
    });

    it('tells those who come meanwhile', async () => {
      const upstream = await ScriptedUpstream.start();
      cleanup.push(() => upstream.stop());
      const probed = upstream.expectProbe();
      const postern = await start({ upstream: upstream.port, limits: { drain: '10m' } });
      await probed();
      const relayed = await client(postern);
      await relayed.send(`a LOGIN ${ALICE.login} ${ALICE.password}`);
      const server = await upstream.connection(0);
      await server.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n');
      const [tag] = (await server.readLine()).split(' ');
      await server.write(`${tag} OK [CAPABILITY IMAP4rev1] done\r\n`);
      await relayed.answerTo('a');
      const stopping = postern.stop();
      await postern.waitForLog(({ msg }) => msg === 'draining');
      expect((await client(postern)).greeting).toBe('* BYE [UNAVAILABLE] Shutting down.');
      const { stdout, code } = await postern.reload();
      expect([code === 0, stdout]).toEqual([false, expect.anything()]);
      // Mail goes on until the last one has left.
      await relayed.send('b LOGOUT');
      expect(await server.readLine()).toBe('b LOGOUT');
      server.socket.end('* BYE\r\nb OK\r\n');
      await relayed.answerTo('b');
      relayed.socket.end();
      expect(await stopping).toEqual({ status: 0, signal: null });
      expect(postern.output).toContain('"msg":"stopped"');
    });
  });

  describe('told to reload', () => {
    it('uses a new name and new log files at once, and says so', async () => {
      const postern = await start();
      expect((await client(postern)).greeting).toContain('door.test ready');
      const log = join(postern.folder, 'new.log');
      const changed = { server: { name: 'new.test' }, log: { file: log } };
      const { stdout, code } = await postern.reload(await staticDoor({ more: changed }));
      expect(code).toBe(0);
      expect(stdout).toContain('server.name is new.test');
      expect(stdout).toContain('log.file changed');
      expect(stdout).not.toContain('restart');
      expect((await client(postern)).greeting).toContain('new.test ready');
      expect(readFileSync(log, 'utf8')).toContain('configuration reloaded');
      await stopped(postern);
      expect(readFileSync(log, 'utf8')).toContain('"msg":"stopped"');
    });

    it('keeps everything as it was when a new address is taken', async () => {
      const postern = await start();
      const taken = createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      cleanup.push(() => taken.close());
      const address = taken.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      const log = join(postern.folder, 'new.log');
      const more = { server: { name: 'new.test' }, log: { file: log } };
      const listeners = [...ALL_KINDS, { name: 'new', address: `127.0.0.1:${port}`, tls: 'none' }];
      const { stdout, stderr, code } = await postern.reload(await staticDoor({ listeners, more }));
      expect(code).not.toBe(0);
      expect(stdout + stderr).toContain(`cannot listen on 127.0.0.1:${port}`);
      expect((await client(postern)).greeting).toContain('door.test ready');
      expect((await client(postern, 'starttls')).greeting).toContain('STARTTLS');
      await until('the log is where it was', () => postern.output.includes('configuration not reloaded'));
      expect(existsSync(log) && readFileSync(log, 'utf8').includes('not reloaded')).toBe(false);
    });

    it('shows each listener as what it is, whatever order they are in', async () => {
      const postern = await start({ listeners: ALL_KINDS.slice(0, 2) });
      const listeners = [...ALL_KINDS].toReversed();
      expect((await postern.reload(await staticDoor({ listeners }))).code).toBe(0);
      const { stdout } = await postern.cli('status');
      const shown = [...stdout.matchAll(/^(none|starttls|implicit) +\S+ +(\S+)/gm)];
      expect(shown).toHaveLength(3);
      for (const [, name, tls] of shown) expect(tls).toBe(name);
    });
  });
});
