import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { Dovecot } from '../support/dovecot.ts';
import { frontDoor, inParallel, tryLogin } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { SLAPD_PASSWORD, Slapd } from '../support/slapd.ts';

/** As the default, ten times quicker. */
const DELAY_MS = 50;
const MAXIMUM_MS = 800;
const THROTTLE = { delay: `${DELAY_MS}ms`, growth: 2, maximum: `${MAXIMUM_MS}ms`, free: 3, forget: '1h' };

const ATTACKER = '198.51.100.66';
const HOME = '203.0.113.7';
const ELSEWHERE = '192.0.2.30';

const decided = z.object({ steps: z.array(z.object({ stage: z.string(), detail: z.string() })) });

describeWithPeers(['slapd', 'dovecot'], 'Guessing passwords', () => {
  let slapd: Slapd;
  let dovecot: Dovecot;
  let postern: RunningPostern;

  beforeAll(async () => {
    slapd = await Slapd.start();
    dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD });
  });

  beforeEach(async () => {
    postern = await startPostern(
      await frontDoor({
        directory: [slapd.tlsPort],
        dovecot,
        listeners: [
          { name: 'imaps', address: '127.0.0.1:0', tls: 'implicit', proxy_protocol: { from: ['127.0.0.1/32'] } },
        ],
        authentication: { throttle: THROTTLE },
        log: { level: 'debug' },
      }),
    );
    return () => postern.remove();
  });

  afterAll(async () => {
    await dovecot?.remove();
    await slapd?.remove();
  });

  let port = 20_000;
  /** A login from a client at that address, and how long it was held before anybody was asked. */
  async function from(address: string, login: string, password: string) {
    port += 1;
    const lines = postern.log.length;
    const preamble = `PROXY TCP4 ${address} 192.0.2.1 ${port} 993\r\n`;
    const { answer, audit } = await tryLogin(postern, login, password, { preamble, clientPort: port });
    expect(audit.address).toBe(address);
    const line = await postern.waitForLog(({ msg, session }) => msg === 'login decided' && session === audit.session, {
      from: lines,
    });
    const said = decided.parse(line).steps.findLast(({ stage }) => stage === 'throttle')?.detail ?? '';
    const held = said === 'not held' ? 0 : Number(/held for (\d+) ms/.exec(said)?.[1] ?? Number.NaN);
    return { isIn: answer.startsWith('OK '), milliseconds: Number(audit.milliseconds), held };
  }

  it('becomes slower with every guess, up to the maximum', async () => {
    const guesses = [];
    for (let index = 0; index < 10; index += 1) guesses.push(await from(ATTACKER, 'u000', `guess ${index}`));
    expect(guesses.every(({ isIn }) => !isIn)).toBe(true);
    // The answer to the n-th is paid for by all of them; timers may be a little early.
    const prices = [50, 50, 50, 100, 200, 400, 800, 800, 800, 800];
    for (const [index, { milliseconds }] of guesses.entries()) {
      expect(milliseconds).toBeGreaterThanOrEqual((prices[index] ?? 0) - 3);
    }
    expect(Math.max(...guesses.map(({ held }) => held))).toBeLessThanOrEqual(MAXIMUM_MS);
  });

  it('is as slow over many connections at once', async () => {
    const guesses = Array.from({ length: 12 }, (_, index) => `guess ${index}`);
    await inParallel(guesses, guesses.length, guess => from(ATTACKER, 'u000', guess));
    const before = performance.now();
    await inParallel(guesses.slice(0, 4), 4, guess => from(ATTACKER, 'u000', `another ${guess}`));
    // They take turns: the last has waited for three others.
    expect(performance.now() - before).toBeGreaterThanOrEqual(3 * MAXIMUM_MS);
  });

  it('keeps nobody out: the owner where known, other users, and the owner elsewhere after a while', async () => {
    expect(await from(HOME, 'u000', SLAPD_PASSWORD)).toMatchObject({ isIn: true, held: 0 });
    for (let index = 0; index < 7; index += 1) await from(ATTACKER, 'u000', `guess ${index}`);
    expect(await from(HOME, 'u000', SLAPD_PASSWORD)).toMatchObject({ isIn: true, held: 0 });
    expect(await from(ELSEWHERE, 'u001', SLAPD_PASSWORD)).toMatchObject({ isIn: true, held: 0 });
    const late = await from(ELSEWHERE, 'u000', SLAPD_PASSWORD);
    expect(late.isIn).toBe(true);
    expect(late.held).toBeGreaterThan(0);
    expect(late.held).toBeLessThanOrEqual(MAXIMUM_MS);
    // And from then on it is known there, too.
    expect(await from(ELSEWHERE, 'u000', SLAPD_PASSWORD)).toMatchObject({ isIn: true, held: 0 });
  });

  it('is not undone by logging in to an account of one’s own in between', async () => {
    for (let index = 0; index < 7; index += 1) {
      await from(ATTACKER, 'u000', `guess ${index}`);
      expect((await from(ATTACKER, 'u019', SLAPD_PASSWORD)).isIn).toBe(true);
    }
    const { milliseconds, held } = await from(ATTACKER, 'u000', 'guess 7');
    expect(held).toBeGreaterThan(0);
    expect(milliseconds).toBeGreaterThanOrEqual(MAXIMUM_MS - 3);
  });

  it('counts unknown names against the address that tries them', async () => {
    for (let index = 0; index < 6; index += 1) await from(ATTACKER, `nobody${index}`, SLAPD_PASSWORD);
    expect((await from(ATTACKER, 'u002', 'guess')).milliseconds).toBeGreaterThanOrEqual(400 - 3);
    expect(await from(HOME, 'u002', SLAPD_PASSWORD)).toMatchObject({ isIn: true, held: 0 });
  });
});
