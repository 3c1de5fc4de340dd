import type { Lexer } from './lexer.ts';
import type { Parameter } from './structure.ts';

interface Piece {
  readonly name: string;
  readonly index: number;
  readonly extended: boolean;
  readonly value: string;
}

const VALUE_END = /[; \t\r\n]/g;
const CONTINUED = /^([^*]*)\*(\d{0,9})(\*?)$/;

/**
 * Parameters after a type or disposition (RFC 2045 §5.1), those continued over several (RFC 2231 §3) joined. Values stay encoded:
 * a name that ends in "*" says that its value is "charset'language'percent-encoded". Where pieces of a continued one are missing
 * they are given as they are. What is broken is skipped up to the next semicolon that can be read.
 * @returns `cut` when there are more than `most`
 */
export function parseParameters(
  lexer: Lexer,
  most: number,
): { readonly parameters: Parameter[]; readonly cut: boolean } {
  const plain: Parameter[] = [];
  const pieces: Piece[] = [];
  while (!lexer.atEnd) {
    if (plain.length + pieces.length >= most) return { parameters: [...plain, ...joined(pieces)], cut: true };
    const parameter = lexer.take(';') ? oneParameter(lexer) : undefined;
    if (!parameter) {
      lexer.until(/;/g);
      continue;
    }
    const piece = continuation(parameter);
    if (piece) pieces.push(piece);
    else plain.push(parameter);
  }
  return { parameters: [...plain, ...joined(pieces)], cut: false };
}

function oneParameter(lexer: Lexer): Parameter | undefined {
  if (!lexer.skipSpace()) return undefined;
  const name = lexer.token();
  if (!lexer.skipSpace() || !lexer.take('=') || !lexer.skipSpace()) return undefined;
  if (lexer.peek() === '"') {
    const { text, whole } = lexer.quotedString();
    return whole ? { name, value: text } : undefined;
  }
  // An encoded word without quotes is wrong (RFC 2047 §5) and common: name==?utf-8?b?...?=
  const value = lexer.peek() === '=' ? lexer.until(VALUE_END) : lexer.token();
  return lexer.skipSpace() ? { name, value } : undefined;
}

function continuation({ name, value }: Parameter): Piece | undefined {
  const match = CONTINUED.exec(name);
  if (!match) return undefined;
  const [, base = '', index = '', star] = match;
  return { name: base, index: Number(index), extended: index === '' || star === '*', value };
}

function joined(pieces: readonly Piece[]): Parameter[] {
  const byName = Map.groupBy(pieces, ({ name }) => name.toLowerCase());
  const names = [...byName.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return names.flatMap(name => join((byName.get(name) ?? []).toSorted((a, b) => a.index - b.index)));
}

function join(pieces: readonly Piece[]): Parameter[] {
  const first = pieces[0];
  if (!first) return [];
  if (pieces.some(({ index }, place) => index !== place)) {
    return pieces.map(({ name, index, extended, value }) => ({
      name: `${name}*${index}${extended ? '*' : ''}`,
      value,
    }));
  }
  const { name } = pieces.at(-1) ?? first;
  if (!pieces.some(({ extended }) => extended)) {
    return [{ name, value: pieces.map(({ value }) => value).join('') }];
  }
  const values = pieces.map(({ value, extended }) => (extended ? value : percentEncoded(value)));
  return [{ name: `${name}*`, value: `${first.extended ? '' : "''"}${values.join('')}` }];
}

/** RFC 2231 §7: what is no attribute-char is written %XX. */
function percentEncoded(value: string): string {
  return value.replace(
    /[\x00-\x20\x7f-\xff*'%()<>@,;:\\"/[\]?=]/g,
    character => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
