import fc from 'fast-check';

/**
 * fast-check with one seed for every run, so that a change is judged by what it changes. POSTERN_SEED=N tries others; the long
 * form (`npm run test:long`) takes a new one each time, and fast-check prints it with what it found.
 */
const chosen = process.env.POSTERN_SEED;
if (chosen !== undefined) fc.configureGlobal({ seed: Number(chosen) });
else if (!process.env.POSTERN_LONG) fc.configureGlobal({ seed: 20_261_121 });

export default fc;
