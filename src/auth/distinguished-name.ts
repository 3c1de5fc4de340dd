/** One attribute of a DN, both sides ready to be compared. */
export interface NamePart {
  readonly type: string;
  readonly value: string;
}

/** RDNs from the entry upwards; each holds more than one part only where it was written with `+`. */
export type DistinguishedName = readonly (readonly NamePart[])[];

const ATTRIBUTE_TYPE = /^(?:[a-z][a-z0-9-]*|\d+(?:\.\d+)*)$/;

/**
 * Reads a DN (RFC 4514 §2) for comparison: without regard to case, to spaces around separators, to runs of spaces and to
 * how characters are escaped. Undefined for what is no DN, such as a plain name.
 */
export function parseDistinguishedName(text: string): DistinguishedName | undefined {
  const names: NamePart[][] = [];
  for (const rdn of splitUnescaped(text, /[,;]/)) {
    const parts: NamePart[] = [];
    for (const part of splitUnescaped(rdn, /\+/)) {
      const equals = part.indexOf('=');
      const type = part.slice(0, Math.max(0, equals)).trim().toLowerCase();
      if (!ATTRIBUTE_TYPE.test(type)) return undefined;
      parts.push({ type, value: comparable(part.slice(equals + 1)) });
    }
    names.push(parts.sort((one, other) => (one.type < other.type ? -1 : one.type > other.type ? 1 : 0)));
  }
  return names;
}

/** One text for all spellings of a DN. */
export function distinguishedNameKey(name: DistinguishedName): string {
  return JSON.stringify(name.map(parts => parts.map(({ type, value }) => [type, value])));
}

function splitUnescaped(text: string, separator: RegExp): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (separator.test(text[at] ?? '')) {
      pieces.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...pieces, text.slice(start)];
}

/** An attribute value without escapes (RFC 4514 §2.4), folded as caseIgnoreMatch folds it. */
function comparable(value: string): string {
  const unescaped = value.replace(/(?:\\[0-9a-f]{2})+|\\(.)/gi, (run, character: string | undefined) =>
    character === undefined ? Buffer.from(run.replaceAll('\\', ''), 'hex').toString() : character,
  );
  return unescaped.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}
