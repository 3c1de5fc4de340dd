const SMALLEST = 16;

/**
 * The UIDs of a view by sequence number: place 0 is message 1. Ascending. Four octets for each message; taking many out is one pass.
 */
export class UidList {
  #uids: Uint32Array;
  #length: number;

  /** @param uids ascending; belongs to the list from now on */
  constructor(uids: Uint32Array) {
    this.#uids = uids;
    this.#length = uids.length;
  }

  get length(): number {
    return this.#length;
  }

  /** @returns 0 beyond the end */
  at(place: number): number {
    return place < this.#length ? (this.#uids[place] ?? 0) : 0;
  }

  /** The place of the first UID that is not below `uid`. */
  floor(uid: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#uids[middle] ?? 0) < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @returns -1 when it is not there */
  placeOf(uid: number): number {
    const place = this.floor(uid);
    return this.at(place) === uid ? place : -1;
  }

  /** @param uids ascending, all above the last */
  append(uids: Uint32Array): void {
    const length = this.#length + uids.length;
    if (length > this.#uids.length) {
      const grown = new Uint32Array(Math.max(SMALLEST, length, Math.ceil(this.#uids.length * 1.5)));
      grown.set(this.#uids.subarray(0, this.#length));
      this.#uids = grown;
    }
    this.#uids.set(uids, this.#length);
    this.#length = length;
  }

  /** @param places ascending */
  remove(places: readonly number[]): void {
    const [first] = places;
    if (first === undefined) return;
    let to = first;
    for (const [index, place] of places.entries()) {
      const next = places[index + 1] ?? this.#length;
      this.#uids.copyWithin(to, place + 1, next);
      to += next - place - 1;
    }
    this.#length = to;
  }

  /** The list as it is; valid until it is changed. */
  values(): Uint32Array {
    return this.#uids.subarray(0, this.#length);
  }
}
