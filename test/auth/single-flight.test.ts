import { describe, expect, it } from 'vitest';
import { SingleFlight } from '../../src/auth/single-flight.ts';

/** Work that is under way until told. */
function work() {
  const runs: { signal: AbortSignal; resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const start = (signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    runs.push({ signal, resolve, reject });
    return promise;
  };
  return { runs, start };
}

const never = new AbortController().signal;

describe('those who ask the same at the same time', () => {
  it('share one answer, and the next one asks anew', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = work();
    const waiting = [1, 2, 3].map(() => flights.run('same', never, start));
    const other = flights.run('other', never, start);
    expect(runs.length).toBe(2);
    runs[0]?.resolve('answer');
    runs[1]?.resolve('other answer');
    expect(await Promise.all([...waiting, other])).toEqual(['answer', 'answer', 'answer', 'other answer']);
    // What is done is not given up.
    expect(runs.map(run => run.signal.aborted)).toEqual([false, false]);

    const again = flights.run('same', never, start);
    expect(runs.length).toBe(3);
    runs[2]?.resolve('anew');
    expect(await again).toBe('anew');
  });

  it('share a failure', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = work();
    const waiting = [1, 2].map(() => flights.run('same', never, start));
    runs[0]?.reject(new Error('down'));
    const results = await Promise.allSettled(waiting);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });

  it('may leave without ending the work of others', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = work();
    const client = new AbortController();
    const gone = flights.run('same', client.signal, start);
    const staying = flights.run('same', never, start);
    client.abort(new Error('client gone'));
    await expect(gone).rejects.toThrow('client gone');
    expect(runs[0]?.signal.aborted).toBe(false);
    runs[0]?.resolve('answer');
    expect(await staying).toBe('answer');
  });

  it('end the work when the last one leaves, and nobody joins what was given up', async () => {
    const flights = new SingleFlight<string>();
    const { runs, start } = work();
    const client = new AbortController();
    const gone = flights.run('same', client.signal, start);
    client.abort(new Error('client gone'));
    await expect(gone).rejects.toThrow('client gone');
    expect(runs[0]?.signal.aborted).toBe(true);

    const next = flights.run('same', never, start);
    runs[0]?.reject(new Error('given up'));
    runs[1]?.resolve('answer');
    expect(await next).toBe('answer');
  });

  it('do not begin when gone already', async () => {
    const { runs, start } = work();
    const flights = new SingleFlight<string>();
    await expect(flights.run('same', AbortSignal.abort(new Error('gone')), start)).rejects.toThrow('gone');
    expect(runs.length).toBe(0);
  });
});
