import { keywordBit, SYSTEM_FLAGS, systemFlag } from '../../mail/flags.ts';
import { LAST_UID } from '../../mail/ids.ts';
import type { Query } from '../../mail/query.ts';
import { placeOf } from './keyword-places.ts';

/** What of a query SQLite can pass over rows by; the query itself is still asked of each row that is left. */
export interface Pushed {
  /** Bounds of the UIDs. */
  readonly first: number;
  readonly last: number;
  /** Further conditions, each from AND on, with a place for each of `values`. */
  readonly sql: string;
  readonly values: readonly number[];
  /** Whether the query asks for the day of the Date field. */
  readonly sentDay: boolean;
}

/** Conditions that all rows must meet: those joined by AND at the top. */
export function pushDown(query: Query, keywords: readonly string[]): Pushed {
  let first = 1;
  let last: number = LAST_UID;
  const conditions: string[] = [];
  const values: number[] = [];
  const add = (sql: string, ...more: number[]) => {
    conditions.push(` AND ${sql}`);
    values.push(...more);
  };
  const visit = (part: Query): void => {
    switch (part.kind) {
      case 'and':
        part.parts.forEach(visit);
        break;
      case 'uid':
        first = Math.max(first, part.uids[0]?.[0] ?? LAST_UID + 1);
        last = Math.min(last, part.uids.at(-1)?.[1] ?? 0);
        break;
      case 'recent':
        first = Math.max(first, part.from);
        break;
      case 'flag':
        add('message.flags & ? <> 0', flagBit(part.name, keywords));
        break;
      case 'not':
        if (part.part.kind === 'flag') add('message.flags & ? = 0', flagBit(part.part.name, keywords));
        break;
      case 'larger':
        add('message.size > ?', part.octets);
        break;
      case 'smaller':
        add('message.size < ?', part.octets);
        break;
      case 'modseq':
        add('message.modseq >= ?', part.from);
        break;
      default:
        break;
    }
  };
  visit(query);
  return { first, last, sql: conditions.join(''), values, sentDay: asks(query, 'sent') };
}

/** 0 when no message can have it. */
function flagBit(name: string, keywords: readonly string[]): number {
  const system = systemFlag(name);
  if (system !== undefined) return 2 ** SYSTEM_FLAGS.indexOf(system);
  const place = placeOf(keywords, name);
  return place < 0 ? 0 : keywordBit(place);
}

function asks(query: Query, kind: Query['kind']): boolean {
  if (query.kind === kind) return true;
  if (query.kind === 'and' || query.kind === 'or') return query.parts.some(part => asks(part, kind));
  return query.kind === 'not' && asks(query.part, kind);
}
