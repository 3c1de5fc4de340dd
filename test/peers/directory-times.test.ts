import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dovecot } from '../support/dovecot.ts';
import { FLAT_THROTTLE, frontDoor, knock, logIn } from '../support/front-door.ts';
import { long } from '../support/long.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { SLAPD_PASSWORD, SLAPD_USERS, Slapd } from '../support/slapd.ts';

const USERS = 200;
/** Of each kind. */
const ATTEMPTS = 1000;
/** How far the medians may be apart, as a part of the smaller. */
const ALIKE = 0.1;

/** Medians of milliseconds from a login to its refusal. */
interface Times {
  readonly unknownUser: number;
  readonly wrongPassword: number;
}

describeWithPeers(['slapd', 'dovecot'], 'The time of a refusal tells nobody who exists', () => {
  let slapd: Slapd;
  let dovecot: Dovecot;

  beforeAll(async () => {
    slapd = await Slapd.start({ users: USERS });
    dovecot = await Dovecot.start({ anyUserWith: SLAPD_PASSWORD });
  });

  afterAll(async () => {
    await dovecot?.remove();
    await slapd?.remove();
  });

  async function measure(delay: string | 0, connections: number, ldap: Record<string, unknown> = {}): Promise<Times> {
    const postern = await startPostern(
      await frontDoor({
        directory: [slapd.tlsPort],
        dovecot,
        ldap,
        listeners: [{ name: 'imap', address: '127.0.0.1:0', tls: 'none' }],
        authentication: { throttle: { ...FLAT_THROTTLE, delay, maximum: delay } },
        limits: { authenticate: '10m' },
      }),
    );
    try {
      return await refuseMany(postern, connections);
    } finally {
      await postern.remove();
    }
  }

  it.each([
    ['the default least delay', '500ms', 100],
    ['a small one', '20ms', 8],
  ] as const)(
    'with %s',
    async (_, delay, connections) => {
      const times = await measure(delay, connections);
      expect(difference(times)).toBeLessThan(ALIKE);
      expect(Math.min(times.unknownUser, times.wrongPassword)).toBeGreaterThanOrEqual(Number.parseInt(delay, 10));
    },
    120_000,
  );

  const searching = ['searching first', {}] as const;
  const binding = ['binding first', { bind_as: `uid={login},${SLAPD_USERS}` }] as const;
  const alone = ['binding as the user only', { ...binding[1], bind: undefined }] as const;

  // Then it is only the directory's work that is told apart, or not. Half of it left out shows every time; what somebody else's
  // load does to a median does not last for three rounds.
  it.each(long ? [searching, binding, alone] : [searching])(
    'without any, %s',
    async (_, ldap) => {
      const rounds: Times[] = [];
      do rounds.push(await measure(0, 4, ldap));
      while (rounds.length < 3 && Math.min(...rounds.map(difference)) >= ALIKE);
      expect(Math.min(...rounds.map(difference)), JSON.stringify(rounds)).toBeLessThan(ALIKE);
    },
    120_000,
  );
});

/** Both kinds in turns on each connection, so that whatever drifts drifts for both. */
async function refuseMany(door: RunningPostern, connections: number): Promise<Times> {
  const attempts = Array.from({ length: ATTEMPTS }, (_, index) => index).values();
  const unknownUser: number[] = [];
  const wrongPassword: number[] = [];
  const worker = async () => {
    const client = await knock(door, { tls: 'none', timeout: 60_000 });
    const refused = async (login: string, password: string, times: number[]) => {
      const before = performance.now();
      const answer = await logIn(client, login, password, 'PLAIN');
      times.push(performance.now() - before);
      expect(answer).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    };
    for (const index of attempts) {
      const number = String(index % USERS).padStart(3, '0');
      const password = `wrong${String(index).padStart(4, '0')}`;
      const pair = [
        () => refused(`n${number}`, password, unknownUser),
        () => refused(`u${number}`, password, wrongPassword),
      ];
      for (const one of index % 2 === 0 ? pair : pair.reverse()) await one();
    }
    client.close();
  };
  await Promise.all(Array.from({ length: connections }, worker));
  expect([unknownUser.length, wrongPassword.length]).toEqual([ATTEMPTS, ATTEMPTS]);
  return { unknownUser: median(unknownUser), wrongPassword: median(wrongPassword) };
}

function difference({ unknownUser, wrongPassword }: Times): number {
  return Math.max(unknownUser, wrongPassword) / Math.min(unknownUser, wrongPassword) - 1;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
