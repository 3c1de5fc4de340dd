import { afterAll, describe, expect, it } from 'vitest';
import fc from '../support/fast-check.ts';
import { long } from '../support/long.ts';
import { engineBacking } from './engine-backing.ts';
import { sequences } from './steps.ts';
import { World } from './world.ts';

const SESSIONS = 4;
const LONGEST = 60;
const WANTED = long ? 200_000 : 20_000;

describe('four sessions at once on one account', () => {
  let world: World | undefined;
  afterAll(() => world?.close());

  it(
    `believe what is so when ${WANTED} commands have crossed each other`,
    async () => {
      world = await World.open(await engineBacking());
      const each = fc.array(sequences(1, LONGEST), { minLength: SESSIONS, maxLength: SESSIONS });
      // In which order things happen is not the test's choice: a failure may not come again, and is not made smaller.
      while (world.steps < WANTED) {
        const race = fc.asyncProperty(each, plans => world?.race(plans) ?? Promise.reject(new Error('no world')));
        await fc.assert(race, { numRuns: 20, endOnFailure: true, seed: 1 + world.steps });
      }
      expect(world.steps).toBeGreaterThanOrEqual(WANTED);
    },
    60 * 60_000,
  );
});
