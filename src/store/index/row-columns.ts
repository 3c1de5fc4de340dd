import { type ByteColumn, byteColumn } from '../../mail/rows.ts';
import { octets, type SqlRow, text } from './database.ts';

/**
 * Columns of many rows as SQLite gives them in one row: numbers and texts as a JSON list, octets end to end with a list of lengths.
 * A row of its own for each message cost five times as much.
 */
export type ColumnKind = 'number' | 'text' | 'octets';

/** What a column needs in a SELECT over rows that have it under the name. */
export function aggregateSql(name: string, kind: ColumnKind): readonly string[] {
  if (kind !== 'octets') return [`json_group_array(${name})`];
  // group_concat joins texts only. The casts leave the octets as they are, whatever they are.
  return [`CAST(group_concat(CAST(${name} AS TEXT), '') AS BLOB)`, `json_group_array(length(${name}))`];
}

/** Collects what several such SELECTs gave of one column. */
export class ColumnValues {
  readonly #kind: ColumnKind;
  readonly #values: unknown[] = [];
  readonly #pieces: Uint8Array[] = [];

  constructor(kind: ColumnKind) {
    this.#kind = kind;
  }

  /** @param place where the column's values begin in the row @returns where the next column's do */
  add(row: SqlRow, place: number): number {
    const octetsOfAll = this.#kind === 'octets' ? row[place] : undefined;
    const listPlace = this.#kind === 'octets' ? place + 1 : place;
    const list: unknown = JSON.parse(text(row[listPlace]));
    if (!Array.isArray(list)) throw new TypeError('SQLite made no list');
    for (const value of list) this.#values.push(value);
    if (octetsOfAll !== undefined) this.#cut(octetsOfAll === null ? new Uint8Array(0) : octets(octetsOfAll), list);
    return listPlace + 1;
  }

  get numbers(): Float64Array {
    return Float64Array.from(this.#values, Number);
  }

  get texts(): readonly string[] {
    return this.#values.map(String);
  }

  /** Octets row by row; undefined: absent. Cut from few pieces, not copied. */
  get octets(): readonly (Uint8Array | undefined)[] {
    let next = 0;
    return this.#values.map(length => {
      if (length === null) return undefined;
      next += 1;
      return this.#pieces[next - 1];
    });
  }

  get byteColumn(): ByteColumn {
    return byteColumn(this.octets);
  }

  #cut(all: Uint8Array, lengths: readonly unknown[]): void {
    let at = 0;
    for (const length of lengths) {
      if (length === null) continue;
      const end = at + Number(length);
      this.#pieces.push(all.subarray(at, end));
      at = end;
    }
    if (at !== all.length) throw new TypeError('octets do not have the lengths that were told');
  }
}
