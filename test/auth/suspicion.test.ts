import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { Authenticator } from '../../src/auth/authenticator.ts';
import { IdentityStore } from '../../src/auth/identity-store.ts';
import { Suspicion, type SuspicionReport } from '../../src/auth/suspicion.ts';
import { Throttle } from '../../src/auth/throttle.ts';
import { networkKey } from '../../src/config/address-key.ts';
import { AuditLog } from '../../src/observe/audit.ts';
import { Alarm } from '../../src/server/alarm.ts';
import { FakeDirectory } from './fake-directory.ts';
import { loginStand } from './login-stand.ts';

const CONFIG = { logins: 10, within: 600_000, new_networks: true };

function watching(config = CONFIG, store = IdentityStore.inMemory()) {
  const clock = { time: 0 };
  const reports: SuspicionReport[] = [];
  const exempt = [{ address: '203.0.113.0', prefix: 24, family: 'ipv4' as const }];
  const suspicion = new Suspicion(
    store,
    config,
    exempt,
    report => reports.push(report),
    () => clock.time,
  );
  return { suspicion, reports, clock, store };
}

describe('suspicion', () => {
  it('falls on few passwords at many logins from one network, with the evidence, once', () => {
    const { suspicion, reports, clock } = watching();
    for (let index = 0; index < 40; index += 1) {
      suspicion.refused(`192.0.2.${index}`, `u${index}`, index % 2 ? 'Winter2026!' : 'Spring2026!');
      clock.time += 1000;
    }
    expect(reports).toEqual([
      {
        kind: 'password-spraying',
        address: '192.0.2.9',
        network: '192.0.2.0/24',
        logins: 10,
        passwords: 2,
        attempts: 10,
        seconds: 9,
        sample: ['u0', 'u1', 'u2', 'u3', 'u4'],
      },
    ]);
    expect(JSON.stringify(reports)).not.toContain('2026!');
  });

  it('falls on a password for each login as stuffing, in a /48 as in a /24', () => {
    const { suspicion, reports } = watching();
    for (let index = 0; index < 10; index += 1)
      suspicion.refused(`2001:db8:7:${index}::1`, `u${index}`, `leaked ${index}`);
    expect(reports).toMatchObject([{ kind: 'credential-stuffing', network: '2001:db8:7::/48', passwords: 10 }]);
  });

  it('does not fall on one login, on slow failures, or on webmail', () => {
    const { suspicion, reports, clock } = watching();
    for (let index = 0; index < 100; index += 1) {
      suspicion.refused('192.0.2.1', 'alice', `guess ${index}`);
      suspicion.refused('203.0.113.1', `u${index}`, 'secret');
      suspicion.refused('198.51.100.1', `u${index}`, 'secret');
      clock.time += 70_000;
    }
    expect(reports).toEqual([]);
  });

  it('tells of the first use from a new network, also after a restart, and not of the very first', () => {
    const folder = mkdtempSync(join(tmpdir(), 'suspicion-'));
    const first = watching(CONFIG, IdentityStore.open(folder));
    first.suspicion.succeeded('192.0.2.1', 'alice');
    first.suspicion.succeeded('192.0.2.99', 'alice');
    expect(first.reports).toEqual([]);
    first.store.close();
    const { suspicion, reports, store } = watching(CONFIG, IdentityStore.open(folder));
    suspicion.succeeded('192.0.2.50', 'Alice');
    suspicion.succeeded('198.51.100.1', 'alice');
    suspicion.succeeded('198.51.100.2', 'alice');
    expect(reports).toEqual([
      { kind: 'new-network', address: '198.51.100.1', network: '198.51.100.0/24', login: 'alice' },
    ]);
    store.close();
    rmSync(folder, { recursive: true });
  });

  it('is fed by logins', async () => {
    const directory = new FakeDirectory();
    directory.add('alice', 'secret');
    const stand = loginStand([directory]);
    const { suspicion, reports, store } = watching();
    const authenticator = new Authenticator({ ...stand.deps({}), store, suspicion });
    const at = (address: string) => stand.attempt('alice', 'secret', { address }, authenticator);
    await at('192.0.2.1');
    await at('198.51.100.1');
    await Promise.all(
      Array.from({ length: 12 }, (_, index) => stand.attempt(`u${index}`, 'Winter2026!', {}, authenticator)),
    );
    expect(reports.map(({ kind }) => kind)).toEqual(['new-network', 'password-spraying']);
  });
});

describe('an alarm', () => {
  const report: SuspicionReport = {
    kind: 'new-network',
    address: '192.0.2.1',
    network: '192.0.2.0/24',
    login: 'a"; rm',
  };

  function alarm() {
    const audited: string[] = [];
    const logged: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => logged.push(line) });
    return { audited, logged, alarm: new Alarm(new AuditLog(line => audited.push(line)), log) };
  }

  it('is a line of the audit log, a command’s input and a webhook’s body', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'alarm-'));
    const script = join(folder, 'on.mjs');
    const file = join(folder, 'out');
    writeFileSync(
      script,
      `import { pipeline } from 'node:stream/promises'; import { createWriteStream } from 'node:fs';
      await pipeline(process.stdin, createWriteStream(process.argv[2]));`,
    );
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      request.on('data', chunk => bodies.push(String(chunk))).on('end', () => response.end());
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const webhook = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`;
    const { alarm: raised, audited } = alarm();
    raised.raise(report, { command: [process.execPath, script, file], webhook });
    expect(JSON.parse(audited[0] ?? '')).toMatchObject({
      audit: 'new-network',
      level: 'warn',
      network: report.network,
    });
    await vi.waitFor(() => {
      expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(report);
      expect(JSON.parse(bodies.join(''))).toMatchObject(report);
    }, 10_000);
    server.close();
    rmSync(folder, { recursive: true });
  });

  it('that nobody takes is in the log, and never waits or grows', async () => {
    const { alarm: raised, logged, audited } = alarm();
    for (let index = 0; index < 200; index += 1) raised.raise(report, { command: ['/nowhere/at/all'] });
    expect(audited).toHaveLength(200);
    expect(logged.filter(line => line.includes('too slow')).length).toBeGreaterThan(100);
    await vi.waitFor(() => expect(logged.some(line => line.includes('on_suspicion failed'))).toBe(true));
  });
});

describe('the throttle', () => {
  const config = { delay: 500, growth: 2, maximum: 15_000, forget: 600_000, free: 3, refuse: 20, exempt: [] };

  it('delays, then refuses, then forgets; where a login was proven it is heard', () => {
    const clock = { time: 0 };
    const throttle = new Throttle(config, () => clock.time);
    throttle.succeeded('192.0.2.1', 'owner');
    for (let index = 0; index < 19; index += 1) throttle.failed('192.0.2.1', `u${index}`, `guess ${index}`);
    expect(throttle.refuses('192.0.2.1', 'alice')).toBe(false);
    throttle.failed('192.0.2.1', 'u', 'the last');
    expect(throttle.refuses('192.0.2.1', 'alice')).toBe(true);
    expect(throttle.refuses('192.0.2.1', 'owner')).toBe(false);
    expect(throttle.refuses('192.0.2.2', 'alice')).toBe(false);
    clock.time += config.forget;
    expect(throttle.refuses('192.0.2.1', 'alice')).toBe(false);
  });

  it('counts the /64s of a /48 together, with a larger allowance', () => {
    const throttle = new Throttle(config, () => 0);
    for (let index = 0; index < 12; index += 1)
      throttle.failed(`2001:db8:7:${index}::1`, `u${index}`, `guess ${index}`);
    expect(throttle.delayFor('2001:db8:7:ff::1', 'alice')).toBe(1000);
    expect(throttle.delayFor('2001:db8:8:ff::1', 'alice')).toBe(500);
    for (let index = 12; index < 80; index += 1)
      throttle.failed(`2001:db8:7:${index}::1`, `u${index}`, `guess ${index}`);
    expect(throttle.refuses('2001:db8:7:ff::1', 'alice')).toBe(true);
    expect(throttle.refuses('2001:db8:8::1', 'alice')).toBe(false);
  });

  it('refuses unheard in the whole pipeline: nobody is asked, the client is told to come again', async () => {
    const directory = new FakeDirectory();
    directory.add('alice', 'secret');
    const { attempt, outcomes } = loginStand([directory], { throttle: { ...config, delay: 0, refuse: 5 } });
    for (let index = 0; index < 5; index += 1) await attempt('alice', `guess ${index}`);
    const asked = directory.asked.length;
    expect(await attempt('alice', 'secret')).toMatchObject({
      kind: 'unavailable',
      stages: 'normalise ok, throttle fail',
    });
    expect(outcomes.at(-1)).toBe('throttled');
    expect(directory.asked).toHaveLength(asked);
    expect(await attempt('alice', 'secret', { address: '198.51.100.1' })).toMatchObject({ kind: 'directory' });
  });
});

it.each([
  ['192.0.2.77', '192.0.2.0/24'],
  ['::ffff:192.0.2.77', '192.0.2.0/24'],
  ['2001:db8:7:8::1', '2001:db8:7::/48'],
  ['2001:db8::1', '2001:db8:0::/48'],
  ['unix', undefined],
])('the network of %s is %s', (address, network) => expect(networkKey(address)).toBe(network));
