/**
 * Yields what the source yields until the signal ends it, also while the source keeps us waiting: an `await` alone would not
 * notice. A source left early is told to return, and not waited for: it may never come back.
 * @throws the signal's reason; what the source throws
 */
export async function* abortable<T>(source: AsyncIterable<T> | Iterable<T>, signal?: AbortSignal): AsyncGenerator<T> {
  if (!signal) {
    yield* source;
    return;
  }
  signal.throwIfAborted();
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(Promise.resolve(iterator.next()), signal);
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    if (!ended) Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = () => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  const settle = <V>(how: (value: V) => void) => {
    return (value: V) => {
      signal.removeEventListener('abort', abort);
      how(value);
    };
  };
  work.then(settle(resolve), settle(reject));
  if (signal.aborted) abort();
  return promise;
}
