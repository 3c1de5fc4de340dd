import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ANSWERS } from '../../src/imap/answers.ts';
import { Dovecot } from '../support/dovecot.ts';
import { type FrontDoorOptions, frontDoor, inParallel, knock, logIn, tryLogin } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { RecordingProxy } from '../support/recording-proxy.ts';
import { SLAPD_PASSWORD, Slapd } from '../support/slapd.ts';
import { testCa } from '../support/test-ca.ts';

const UNAVAILABLE = `NO [UNAVAILABLE] ${ANSWERS.unavailable.text}`;
const TIMEOUT_MS = 1500;
/** What a busy machine may add to a time-out. */
const PATIENCE_MS = 8000;
const ldap = { timeout: `${TIMEOUT_MS}ms`, retry: '200ms' };

let dovecot: Dovecot;
const cleanups: (() => Promise<void>)[] = [];

async function openDoor(options: Omit<FrontDoorOptions, 'dovecot'>): Promise<RunningPostern> {
  const postern = await startPostern(await frontDoor({ dovecot, ldap, ...options }));
  cleanups.push(() => postern.remove());
  return postern;
}

async function openSlapd(): Promise<Slapd> {
  const slapd = await Slapd.start({ users: 60 });
  cleanups.push(() => slapd.remove());
  return slapd;
}

async function openProxy(port: number): Promise<RecordingProxy> {
  const proxy = await RecordingProxy.start({ port });
  cleanups.push(() => proxy.stop());
  return proxy;
}

const uncached = (index: number) => `u${String(index).padStart(3, '0')}`;

/** Fails within the time-out, however many ask: told unavailable, and for this reason. */
async function expectUnavailable(postern: RunningPostern, logins: readonly string[], outcome = 'unavailable') {
  const results = await inParallel(logins, logins.length, login => tryLogin(postern, login, SLAPD_PASSWORD));
  expect(results.map(({ answer }) => answer)).toEqual(logins.map(() => UNAVAILABLE));
  expect(results.map(({ audit }) => audit.outcome)).toEqual(logins.map(() => outcome));
  for (const { audit } of results) expect(audit.milliseconds).toBeLessThan(TIMEOUT_MS + PATIENCE_MS);
}

async function expectIn(postern: RunningPostern, login: string, proof: string) {
  const { answer, audit } = await tryLogin(postern, login, SLAPD_PASSWORD);
  expect(answer).toMatch(/^OK /);
  expect(audit).toMatchObject({ outcome: 'ok', proof });
}

/** Tries until somebody is let in, without anybody helping. */
function recovery(postern: RunningPostern, login: string): Promise<void> {
  return until(
    `${login} is let in again`,
    async () => (await tryLogin(postern, login, SLAPD_PASSWORD)).answer.startsWith('OK '),
    20_000,
  );
}

describeWithPeers(['slapd', 'dovecot'], 'Postern before OpenLDAP that fails', () => {
  beforeAll(async () => {
    dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD });
  });

  afterAll(() => dovecot?.remove());

  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  for (const tls of ['implicit', 'starttls'] as const) {
    const portOf = (slapd: Slapd) => (tls === 'implicit' ? slapd.tlsPort : slapd.port);

    describe(tls === 'implicit' ? 'LDAPS' : 'StartTLS', () => {
      it('frozen: uncached logins fail in time, known ones and sessions go on, and it recovers by itself', async () => {
        const slapd = await openSlapd();
        const postern = await openDoor({ directory: [portOf(slapd)], tls });
        await expectIn(postern, 'u000', 'directory');
        const session = await knock(postern);
        expect(await logIn(session, 'u001', SLAPD_PASSWORD)).toMatch(/^OK /);

        slapd.freeze();
        await expectUnavailable(
          postern,
          Array.from({ length: 30 }, (_, index) => uncached(2 + index)),
        );
        await expectIn(postern, 'u000', 'cache');
        expect((await session.command('NOOP')).tagged).toMatch(/ OK /);
        // A wrong password is no reason to tell what the directory would have said.
        expect((await tryLogin(postern, 'u000', 'wrong')).answer).toBe(UNAVAILABLE);

        slapd.thaw();
        await recovery(postern, uncached(2));
        await expectIn(postern, uncached(40), 'directory');
        expect((await tryLogin(postern, uncached(41), 'wrong')).audit.outcome).toBe('bad-password');
        session.close();
      });

      it('killed: the same, and a started one is found', async () => {
        const slapd = await openSlapd();
        const postern = await openDoor({ directory: [portOf(slapd)], tls });
        await expectIn(postern, 'u000', 'directory');
        await slapd.kill();
        await expectUnavailable(postern, [uncached(1), uncached(2), uncached(3)]);
        await slapd.start();
        await recovery(postern, uncached(1));
      });

      it('restarted while nobody asks: nobody notices', async () => {
        const slapd = await openSlapd();
        const postern = await openDoor({ directory: [portOf(slapd)], tls });
        for (let round = 0; round < 3; round += 1) {
          await expectIn(postern, uncached(round), 'directory');
          await slapd.restart();
        }
        await expectIn(postern, uncached(9), 'directory');
      });

      it('down from the start: Postern starts, says so, and lets people in once it is there', async () => {
        const slapd = await openSlapd();
        await slapd.stop();
        const postern = await openDoor({ directory: [portOf(slapd)], tls });
        await expectUnavailable(postern, [uncached(1)]);
        const status: unknown = JSON.parse((await postern.cli('status', '--json')).stdout);
        expect(status).toMatchObject({ directories: [{ name: 'corp', servers: [{ state: 'down' }] }] });
        await slapd.start();
        await recovery(postern, uncached(1));
      });

      it('an outage lets known users in for as long as configured, and nobody else', async () => {
        const slapd = await openSlapd();
        const authentication = { cache: { ttl: 0, outage: '1h' } };
        const postern = await openDoor({ directory: [portOf(slapd)], tls, authentication });
        await expectIn(postern, 'u000', 'directory');
        await expectIn(postern, 'u000', 'directory');
        for (const way of ['frozen', 'killed']) {
          if (way === 'frozen') slapd.freeze();
          else await slapd.kill();
          await expectIn(postern, 'u000', 'outage');
          const guess = await tryLogin(postern, 'u000', 'wrong');
          expect([guess.answer, guess.audit.outcome]).toEqual([UNAVAILABLE, 'unavailable']);
          await expectUnavailable(postern, [uncached(1)]);
        }
        await slapd.start();
        await recovery(postern, uncached(1));
        await expectIn(postern, 'u000', 'directory');
      });

      it('with a certificate that nobody trusts: refused, no outage, and well again with a right one', async () => {
        const slapd = await openSlapd();
        const authentication = { cache: { ttl: 0, outage: '1h' } };
        const postern = await openDoor({ directory: [portOf(slapd)], tls, authentication });
        const ca = await testCa();
        await expectIn(postern, 'u000', 'directory');
        for (const certificate of [ca.rogue, ca.wrongHost, ca.expired]) {
          await slapd.restart(certificate);
          await expectUnavailable(postern, ['u000', uncached(1), 'u000'], 'untrusted');
          expect(postern.log).toContainEqual(
            expect.objectContaining({ level: 'error', msg: 'a directory needs its administrator' }),
          );
          await slapd.restart(ca.renewed);
          await recovery(postern, uncached(1));
          await expectIn(postern, 'u000', 'directory');
        }
      });

      it.each(['frozen', 'killed'] as const)(
        'two servers, the first %s: the second takes over, then the first again',
        async way => {
          const [one, two] = [await openSlapd(), await openSlapd()];
          const [toOne, toTwo] = [await openProxy(portOf(one)), await openProxy(portOf(two))];
          const postern = await openDoor({ directory: [toOne.port, toTwo.port], tls });
          await expectIn(postern, uncached(0), 'directory');
          expect(toTwo.connections).toBe(0);

          if (way === 'frozen') one.freeze();
          else await one.kill();
          const crowd = Array.from({ length: 20 }, (_, index) => uncached(1 + index));
          await inParallel(crowd, crowd.length, login => expectIn(postern, login, 'directory'));
          expect(toTwo.connections).toBeGreaterThan(0);
          expect(await statesOf(postern)).toEqual(['down', 'up']);

          if (way === 'frozen') one.thaw();
          else await one.start();
          await until('the first is up', async () => (await statesOf(postern))[0] === 'up', 20_000);
          const before = { one: toOne.sent.length, two: toTwo.sent.length };
          await expectIn(postern, uncached(40), 'directory');
          expect(toOne.sent.length).toBeGreaterThan(before.one);
          expect(toTwo.sent.length).toBe(before.two);
        },
      );

      it('two servers, neither answering: told so within both time-outs', async () => {
        const [one, two] = [await openSlapd(), await openSlapd()];
        const postern = await openDoor({ directory: [portOf(one), portOf(two)], tls });
        one.freeze();
        two.freeze();
        await expectUnavailable(
          postern,
          Array.from({ length: 10 }, (_, index) => uncached(index)),
        );
        one.thaw();
        await recovery(postern, uncached(1));
      });
    });
  }
});

async function statesOf(postern: RunningPostern): Promise<string[]> {
  const { stdout } = await postern.cli('status', '--json');
  const { directories } = JSON.parse(stdout);
  return directories[0].servers.map(({ state }: { state: string }) => state);
}
