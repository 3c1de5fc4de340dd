import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { type AdminHttp, type Readiness, readinessOf, startAdminHttp } from '../../src/observe/admin-http.ts';
import { createMetrics } from '../../src/observe/metrics.ts';

const log = pino({ level: 'silent' });
let running: AdminHttp | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

async function start(readiness: () => Readiness = () => ({ ready: true, reasons: [] }), metrics = createMetrics()) {
  running = await startAdminHttp({ host: '127.0.0.1', port: 0 }, { readiness, metrics, log });
  return `http://${running.address}`;
}

describe('startAdminHttp', () => {
  it('tells health, readiness and metrics', async () => {
    let state: Readiness = { ready: true, reasons: [] };
    const url = await start(() => state);
    const health = await fetch(`${url}/health`);
    expect([health.status, await health.json()]).toEqual([200, { alive: true }]);
    const ready = await fetch(`${url}/ready?x=1`);
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [] }]);
    state = { ready: false, reasons: ['draining'] };
    const draining = await fetch(`${url}/ready`);
    expect([draining.status, await draining.json()]).toEqual([503, { ready: false, reasons: ['draining'] }]);
    const metrics = await fetch(`${url}/metrics`);
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await metrics.text()).toContain('postern_starttls_injections_total 0\n');
  });

  it('answers HEAD without a body, and nothing else', async () => {
    const url = await start();
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(1000);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const answer = await fetch(`${url}/health`, {
        method,
        ...(method === 'POST' ? { body: 'x'.repeat(100_000) } : {}),
      });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      await answer.text();
    }
    for (const path of ['/', '/metrics/', '/ready/x', '/../health/..', '/admin']) {
      const answer = await fetch(`${url}${path}`);
      expect(answer.status).toBe(404);
      await answer.text();
    }
  });

  it('answers 500 and goes on when something fails within', async () => {
    const metrics = { contentType: 'text/plain', render: () => Promise.reject(new Error('broken')) };
    running = await startAdminHttp(
      { host: '127.0.0.1', port: 0 },
      { readiness: () => ({ ready: true, reasons: [] }), metrics, log },
    );
    const answer = await fetch(`http://${running.address}/metrics`);
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'internal error' }]);
    expect((await fetch(`http://${running.address}/health`)).status).toBe(200);
  });

  it('refuses headers that are too large', async () => {
    const url = await start();
    const answer = await fetch(`${url}/health`, { headers: { x: 'x'.repeat(10_000) } });
    expect(answer.status).toBe(431);
  });

  it('closes although clients keep their connections', async () => {
    const url = new URL(await start());
    const socket = connect(Number(url.port), url.hostname);
    await new Promise(resolve => socket.on('connect', resolve));
    const ended = new Promise(resolve => socket.on('close', resolve));
    socket.on('error', () => {});
    await running?.close();
    await ended;
  });

  it('says where it cannot listen', async () => {
    const holder = createServer();
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve));
    const address = holder.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const options = { readiness: () => ({ ready: true, reasons: [] }), metrics: createMetrics(), log };
    await expect(startAdminHttp({ host: '127.0.0.1', port }, options)).rejects.toThrow(
      `admin.http: cannot listen on 127.0.0.1:${port}`,
    );
    await new Promise<void>(resolve => holder.close(() => resolve()));
  });

  it('also listens on a unix socket', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'postern-http-'));
    const path = join(directory, 'http.sock');
    const options = { readiness: () => ({ ready: true, reasons: [] }), metrics: createMetrics(), log };
    running = await startAdminHttp({ path }, options);
    expect(running.address).toBe(`unix:${path}`);
    const status = await new Promise(resolve => {
      request({ socketPath: path, path: '/health', agent: false }, response => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(200);
    rmSync(directory, { recursive: true, force: true });
  });
});

describe('readinessOf', () => {
  const up = { server: 'a:636', state: 'up' } as const;
  const down = { server: 'b:636', state: 'down', reason: 'ECONNREFUSED' } as const;
  const unknown = { server: 'c:636', state: 'unknown' } as const;
  const condition = { listening: true, draining: false, directories: [{ name: 'corp', servers: [up, down] }] };

  it('wants listeners, no draining, and one server of each directory', () => {
    expect(readinessOf(condition)).toEqual({ ready: true, reasons: [] });
    expect(readinessOf({ ...condition, listening: false }).reasons).toEqual(['not listening']);
    expect(readinessOf({ ...condition, draining: true, listening: false }).reasons).toEqual(['draining']);
    expect(
      readinessOf({ ...condition, directories: [...condition.directories, { name: 'ad', servers: [down] }] }),
    ).toEqual({
      ready: false,
      reasons: ['no server of directory ad answers (b:636: ECONNREFUSED)'],
    });
  });

  it('takes a directory that was not asked yet, or has no servers, for answering', () => {
    expect(readinessOf({ ...condition, directories: [{ name: 'x', servers: [down, unknown] }] }).ready).toBe(true);
    expect(readinessOf({ ...condition, directories: [{ name: 'static', servers: [] }] }).ready).toBe(true);
  });
});
