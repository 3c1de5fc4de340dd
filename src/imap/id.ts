import type { Encoder } from '../wire/encoder.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';

/** RFC 2971 §3.3: at most 30 pairs, names of at most 30 and values of at most 1024 octets. */
const PAIRS_MOST = 30;
const NAME_MOST = 30;
const VALUE_MOST = 1024;

/** What a client or server says of itself. Names in lower case. */
export type IdParameters = ReadonlyMap<string, string>;

/** `NIL` or `("name" "value" ...)`. @throws Malformed */
export function parseId(scanner: Scanner): IdParameters {
  const parameters = new Map<string, string>();
  if (scanner.peek() !== '(') {
    if (scanner.nstring('a list or NIL') !== undefined) throw new Malformed('a list or NIL was expected');
    return parameters;
  }
  let name: string | undefined;
  let pairs = 0;
  scanner.list(() => {
    if (name === undefined) {
      name = scanner.string('a name').toLowerCase();
      return;
    }
    const value = scanner.nstring('a value or NIL');
    pairs += 1;
    if (name.length > NAME_MOST || (value?.length ?? 0) > VALUE_MOST || pairs > PAIRS_MOST) {
      throw new Malformed('ID holds too much');
    }
    if (value !== undefined) parameters.set(name, value);
    name = undefined;
  });
  if (name !== undefined) throw new Malformed('a name without a value');
  return parameters;
}

export function encodeId(encoder: Encoder, parameters: IdParameters): Encoder {
  if (parameters.size === 0) return encoder.raw('NIL');
  return encoder.list([...parameters].flat(), (out, text) => out.string(text));
}
