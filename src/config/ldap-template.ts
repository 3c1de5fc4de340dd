import { FilterParser } from 'ldapts';

/** The parts of a login that a template may name. */
export interface LoginParts {
  readonly login: string;
  readonly local: string;
  readonly domain: string;
  /** The name of the account at the directory, where that can be told from the login; the local part if absent. */
  readonly account?: string;
}

/** A text of the configuration with `{login}`, `{local}`, `{domain}` and `{account}` in it, taken apart once. */
export interface Template {
  /** The text with the parts of a login in it, each escaped for where it stands. */
  render(login: LoginParts): string;
}

export interface FilterTemplate extends Template {
  /** The filter that everybody whom `render` could find matches, for listing: a presence or substring match for each part. */
  readonly anybody: string;
}

type Part = keyof LoginParts;
const SAMPLE: LoginParts = { login: 'alice@example.org', local: 'alice', domain: 'example.org' };

/**
 * A search filter (RFC 4515) for one user. Space and line breaks between its parentheses are allowed, as people write long
 * filters on several lines of YAML.
 * @throws SyntaxError with words for the administrator
 */
export function parseFilterTemplate(text: string): FilterTemplate {
  const pieces = parseTemplate(spellOut(text), 'filter');
  const template = {
    render: (login: LoginParts) => fill(pieces, login, escapeFilterValue),
    anybody: pieces
      .map(piece => (typeof piece === 'string' ? piece : '*'))
      .join('')
      .replace(/\*{2,}/g, '*')
      // An asterisk is a wildcard after a plain "=" only.
      .replace(/([\w-]+)(?::(?:[^()=]*:)?|[~<>])=\*(?=\))/g, '$1=*'),
  };
  for (const rendered of [template.render(SAMPLE), template.anybody]) {
    try {
      FilterParser.parseString(rendered);
    } catch (error) {
      throw new SyntaxError(`"${text}" is not a filter: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return template;
}

/** A distinguished name (RFC 4514) for one user. @throws SyntaxError with words for the administrator */
export function parseDnTemplate(text: string): Template {
  const pieces = parseTemplate(text, 'DN');
  const [first] = pieces;
  // A user principal name would prove who binds, but not which entry is theirs.
  if (typeof first !== 'string' || !/^[A-Za-z0-9.-]+ *=/.test(first)) {
    throw new SyntaxError(`"${text}" is not a DN; write for example "uid={login},ou=people,dc=example,dc=org"`);
  }
  return { render: login => fill(pieces, login, escapeDnValue) };
}

/**
 * RFC 4515 §3: parentheses, asterisk, backslash and NUL. Everything else goes as it is: ldapts 9.2 takes an escaped byte for a
 * character, so that non-ASCII text must not be escaped.
 */
export function escapeFilterValue(value: string): string {
  if (!/[()*\\\0]/.test(value)) return value;
  return value.replace(/[()*\\\0]/g, hexEscape);
}

/** RFC 4514 §2.4; controls too, which servers disagree about. A value is safe at the beginning, middle and end of another. */
export function escapeDnValue(value: string): string {
  if (/^[A-Za-z0-9@._-]*$/.test(value)) return value;
  return value.replace(/[\0-\x1f\x7f"+,;<=>\\]|^[ #]|[ ]+$/g, match => match.replace(/./gs, hexEscape));
}

function hexEscape(character: string): string {
  return `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

type Piece = string | { readonly part: Part };

function parseTemplate(text: string, what: string): readonly Piece[] {
  const pieces = text.split(/(\{[A-Za-z_]+\})/).filter(piece => piece !== '');
  const parsed = pieces.map((piece): Piece => {
    if (!/^\{[A-Za-z_]+\}$/.test(piece)) return piece;
    const part = piece.slice(1, -1);
    if (part === 'login' || part === 'local' || part === 'domain' || part === 'account') return { part };
    throw new SyntaxError(`"${text}" has ${piece}; write {login}, {local}, {domain} or {account}`);
  });
  if (!parsed.some(piece => typeof piece !== 'string' && piece.part !== 'domain')) {
    throw new SyntaxError(`the ${what} "${text}" would be the same for everybody; put {login} or {local} in it`);
  }
  return parsed;
}

function fill(pieces: readonly Piece[], login: LoginParts, escaped: (value: string) => string): string {
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : escaped(login[piece.part] ?? login.local);
  return text;
}

/** What ldapts 9.2 does not take: space between parentheses, and UTF-8 escaped byte by byte. */
function spellOut(filter: string): string {
  return filter
    .trim()
    .replace(/\)\s+(?=[()])/g, ')')
    .replace(/\(\s*([&|!])\s*(?=\()/g, '($1')
    .replace(/(?:\\[89a-f][0-9a-f])+/gi, bytes => {
      const text = Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8');
      if (text.includes('\u{fffd}')) throw new SyntaxError(`${bytes} in the filter is not UTF-8 text`);
      return text;
    });
}
