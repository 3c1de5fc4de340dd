import { Lexer } from './lexer.ts';
import type { Meter, MimeLimits } from './limits.ts';
import { parseParameters } from './parameters.ts';
import type { Content, CutLimit, Parameter } from './structure.ts';
import type { Field } from './wanted-fields.ts';

export interface Reading {
  readonly limits: MimeLimits;
  readonly cut: Set<CutLimit>;
  readonly meter: Meter;
  /** Addresses that may still be kept. */
  addressesLeft: number;
}

export const NO_CONTENT: Content = {
  type: undefined,
  subtype: undefined,
  parameters: [],
  id: undefined,
  description: undefined,
  encoding: undefined,
  md5: undefined,
  disposition: undefined,
  languages: [],
  location: undefined,
};

/** The Content-* fields of a header. Of a field that is there twice the first counts. */
export function readContent(fields: readonly Field[], reading: Reading): Content {
  const value = (name: string) => fields.find(field => field.name === name)?.value;
  const read = <T>(name: string, parse: (lexer: Lexer) => T | undefined): T | undefined => {
    for (const field of fields) {
      const parsed = field.name === name ? parse(new Lexer(field.value, reading.meter)) : undefined;
      if (parsed !== undefined) return parsed;
    }
    return undefined;
  };
  const typeField = value('content-type');
  const type = typeField === undefined ? undefined : readType(new Lexer(typeField, reading.meter), reading);
  return {
    type: type?.type,
    subtype: type?.subtype,
    parameters: type?.parameters ?? [],
    id: value('content-id'),
    description: value('content-description'),
    encoding: read('content-transfer-encoding', readEncoding),
    md5: value('content-md5'),
    disposition: read('content-disposition', lexer => readDisposition(lexer, reading)),
    languages: read('content-language', lexer => readLanguages(lexer, reading)) ?? [],
    location: value('content-location'),
  };
}

interface Typed {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

/** Without type and subtype it counts as not there (RFC 2045 §5.2). With garbage after them they are told without parameters. */
function readType(lexer: Lexer, reading: Reading): Typed | undefined {
  lexer.skipSpace();
  const type = lexer.token();
  if (type === '' || !lexer.skipSpace() || !lexer.take('/') || !lexer.skipSpace()) return undefined;
  const subtype = lexer.token();
  if (subtype === '') return undefined;
  const whole = lexer.skipSpace() && (lexer.atEnd || lexer.peek() === ';');
  return { type, subtype, parameters: whole ? parametersOf(lexer, reading) : [] };
}

function readEncoding(lexer: Lexer): string | undefined {
  lexer.skipSpace();
  const token = lexer.token();
  return token !== '' && lexer.skipSpace() && lexer.atEnd ? token : undefined;
}

function readDisposition(lexer: Lexer, reading: Reading): Content['disposition'] {
  lexer.skipSpace();
  const type = lexer.token();
  return lexer.skipSpace() ? { type, parameters: parametersOf(lexer, reading) } : undefined;
}

function readLanguages(lexer: Lexer, { limits, cut }: Reading): string[] | undefined {
  const languages: string[] = [];
  lexer.skipSpace();
  for (let tag = lexer.atom(); tag !== undefined; tag = lexer.atom()) {
    if (languages.length >= limits.languages) {
      cut.add('languages');
      break;
    }
    languages.push(tag);
    if (!lexer.take(',')) break;
    lexer.skipSpace();
  }
  return languages.length > 0 ? languages : undefined;
}

function parametersOf(lexer: Lexer, { limits, cut }: Reading): readonly Parameter[] {
  const { parameters, cut: tooMany } = parseParameters(lexer, limits.parameters);
  if (tooMany) cut.add('parameters');
  return parameters;
}
