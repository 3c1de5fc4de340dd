/** What happens at a call: before it, or when it has been answered. */
export interface Interference {
  before?(method: string): void | Promise<void>;
  after?(method: string): void | Promise<void>;
}

/** The same object, but that something happens at each call of a method. Pages that are pulled count as one call. */
export function interposed<T extends object>(target: T, interference: Interference): T {
  return new Proxy(target, {
    get(object, name) {
      const member: unknown = Reflect.get(object, name, object);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...args: unknown[]) => {
        const call = (): unknown => Reflect.apply(member, object, args);
        return name === 'list' || name === 'read'
          ? pages(name, call, interference)
          : answered(name, call, interference);
      };
    },
  });
}

async function answered(name: string, call: () => unknown, interference: Interference): Promise<unknown> {
  await interference.before?.(name);
  const answer = await call();
  await interference.after?.(name);
  return answer;
}

async function* pages(name: string, call: () => unknown, interference: Interference): AsyncGenerator<unknown> {
  await interference.before?.(name);
  const all = call();
  if (!isAsyncIterable(all)) throw new TypeError(`${name} gives no pages`);
  yield* all;
  await interference.after?.(name);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
