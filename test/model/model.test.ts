import { afterAll, describe, expect, it } from 'vitest';
import fc from '../support/fast-check.ts';
import { long } from '../support/long.ts';
import { engineBacking } from './engine-backing.ts';
import { sequences } from './steps.ts';
import { type Backing, memoryBacking, World } from './world.ts';

const SESSIONS = 3;
const LONGEST = 300;
/** As many sequences together as fast-check is asked for at a time. */
const BATCH = 20;

/** Plays random sequences until there were `wanted` steps. What fails is made smaller for two minutes at most. */
async function play(world: World, wanted: number, seed: number): Promise<void> {
  for (let batch = 0; world.steps < wanted; batch += 1) {
    const property = fc.asyncProperty(sequences(SESSIONS, LONGEST), steps => world.play(SESSIONS, steps));
    await fc.assert(property, { numRuns: BATCH, seed: seed + batch, interruptAfterTimeLimit: 120_000 });
  }
}

describe.each<[string, () => Promise<Backing>, number]>([
  ['plain arrays', async () => memoryBacking(), 20_000],
  ['the embedded store', engineBacking, long ? 2_000_000 : 200_000],
])('three sessions on one account, on %s', (_, open, wanted) => {
  let world: World | undefined;
  afterAll(() => world?.close());

  it(
    `believe what is so after ${wanted} random steps`,
    async () => {
      world = await World.open(await open());
      const begun = performance.now();
      await play(world, wanted, fc.readConfigureGlobal()?.seed ?? Date.now());
      console.log(`${world.steps} steps in ${Math.round(performance.now() - begun)} ms`);
      expect(world.steps).toBeGreaterThanOrEqual(wanted);
    },
    60 * 60_000,
  );
});
