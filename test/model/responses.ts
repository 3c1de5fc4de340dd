/** What a server says untagged, as far as a model of a client understands it. */
export type Heard =
  | { readonly kind: 'exists' | 'recent' | 'expunge'; readonly number: number }
  | { readonly kind: 'fetch'; readonly seq: number; readonly told: FetchTold }
  | { readonly kind: 'search'; readonly numbers: readonly number[]; readonly modseq: number | undefined }
  | { readonly kind: 'status'; readonly values: ReadonlyMap<string, number> }
  | { readonly kind: 'state'; readonly name: 'OK' | 'NO' | 'BAD' | 'BYE'; readonly code: string; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

export interface FetchTold {
  readonly uid?: number;
  /** Lower case. */
  readonly flags?: ReadonlySet<string>;
  readonly modseq?: number;
  /** What BODY[...] held. */
  readonly octets?: string;
}

/** @param line one response with its literals, without the last line end */
export function readResponse(line: string): Heard {
  const count = /^\* (\d+) (EXISTS|RECENT|EXPUNGE)$/.exec(line);
  if (count) return { kind: kindOf(count[2]), number: Number(count[1]) };
  const fetch = /^\* (\d+) FETCH \(/.exec(line);
  if (fetch) return { kind: 'fetch', seq: Number(fetch[1]), told: readItems(line.slice(fetch[0].length)) };
  const search = /^\* SEARCH((?: \d+)*)(?: \(MODSEQ (\d+)\))?$/.exec(line);
  if (search) {
    const numbers = (search[1] ?? '').split(' ').filter(Boolean).map(Number);
    return { kind: 'search', numbers, modseq: search[2] === undefined ? undefined : Number(search[2]) };
  }
  const status = /^\* STATUS .*\(([^()]*)\)$/.exec(line);
  if (status) {
    const pairs = (status[1] ?? '').matchAll(/(\S+) (\d+)/g);
    return { kind: 'status', values: new Map(Array.from(pairs, ([, name = '', value]) => [name, Number(value)])) };
  }
  return readState(line.slice(2)) ?? { kind: 'other', text: line };
}

/** `OK [CODE] text`, of an untagged response or behind a tag. */
export function readState(text: string): Extract<Heard, { kind: 'state' }> | undefined {
  const state = /^(OK|NO|BAD|BYE) (?:\[([^\]]*)\] ?)?(.*)$/s.exec(text);
  const name = state?.[1];
  if (name !== 'OK' && name !== 'NO' && name !== 'BAD' && name !== 'BYE') return undefined;
  return { kind: 'state', name, code: state?.[2] ?? '', text };
}

function kindOf(word: string | undefined): 'exists' | 'recent' | 'expunge' {
  if (word === 'EXISTS') return 'exists';
  return word === 'RECENT' ? 'recent' : 'expunge';
}

function readItems(given: string): FetchTold {
  let told: FetchTold = {};
  let rest = given;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = pattern.exec(rest);
    if (found) rest = rest.slice(found[0].length);
    return found ?? undefined;
  };
  for (;;) {
    const number = take(/^(UID|MODSEQ) \(?(\d+)\)?/);
    const flags = number ? undefined : take(/^FLAGS \(([^)]*)\)/);
    const body = number || flags ? undefined : take(/^BODY\[[^\]]*\] (?:\{(\d+)\}\r\n|"([^"]*)"|NIL)/);
    if (number)
      told = number[1] === 'UID' ? { ...told, uid: Number(number[2]) } : { ...told, modseq: Number(number[2]) };
    else if (flags) told = { ...told, flags: new Set((flags[1] ?? '').toLowerCase().split(' ').filter(Boolean)) };
    else if (body) {
      const length = Number(body[1] ?? 0);
      told = { ...told, octets: body[1] === undefined ? (body[2] ?? '') : rest.slice(0, length) };
      rest = rest.slice(length);
    } else throw new Error(`cannot read in a FETCH response: ${given}`);
    if (take(/^\)$/)) return told;
    if (!take(/^ /)) throw new Error(`no space in a FETCH response: ${given}`);
  }
}
