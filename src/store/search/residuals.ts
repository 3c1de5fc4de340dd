import type { Query } from '../../mail/query.ts';

/** Queries of which equal ones are one object, in their simplest form: nothing twice, no double negation, no `and` within an `and`. */
export class Residuals {
  readonly #known = new Map<string, Query>();
  readonly #numbers = new Map<Query, number>();

  leaf(query: Query): Query {
    return this.#only(JSON.stringify(query), () => query);
  }

  /** @param parts of these residuals, at least one */
  joined(kind: 'and' | 'or', parts: readonly Query[]): Query {
    const unique = new Set<Query>();
    for (const part of parts) {
      if (part.kind === kind) for (const inner of part.parts) unique.add(inner);
      else unique.add(part);
    }
    const rest = [...unique];
    const [only] = rest;
    if (only && rest.length === 1) return only;
    return this.#only(`${kind} ${rest.map(part => this.#numbers.get(part)).join()}`, () => ({ kind, parts: rest }));
  }

  negated(part: Query): Query {
    if (part.kind === 'not') return part.part;
    return this.#only(`not ${this.#numbers.get(part)}`, () => ({ kind: 'not', part }));
  }

  #only(key: string, make: () => Query): Query {
    const known = this.#known.get(key);
    if (known) return known;
    const query = make();
    this.#known.set(key, query);
    this.#numbers.set(query, this.#numbers.size);
    return query;
  }
}
