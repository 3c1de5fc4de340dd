import { Malformed } from '../wire/malformed.ts';

/** A response of a server, as far as a login needs it (RFC 9051 §7). */
export interface Response {
  /** `*`, `+` or the command's tag. */
  readonly tag: string;
  /** OK, NO, BAD, BYE, PREAUTH, or the name of the data; empty for `+`. */
  readonly name: string;
  /** Response code of a status response, without brackets. */
  readonly code: string | undefined;
  readonly text: string;
  /** The line as it came, for passing it on. */
  readonly line: Buffer;
}

const STATUS = /^(?:OK|NO|BAD|BYE|PREAUTH)$/;
const STATUS_LINE = /^(?:\+|\S+ +(?:OK|NO|BAD|BYE|PREAUTH)(?: |$))/i;

/** Whether a line ends in free text, where `{5}` announces nothing. */
export function endsInText(line: Buffer): boolean {
  return STATUS_LINE.test(line.toString('latin1', 0, 64));
}

/**
 * Reads a response more kindly than the grammar: spaces too many, a missing text and bytes that are not UTF-8 keep nobody from
 * their mail. @throws Malformed for what is no response at all
 */
export function parseResponse(segments: readonly Buffer[]): Response {
  const line = segments[0] ?? Buffer.alloc(0);
  const [, tag, rest = ''] = /^(\+|\*|[^\s+*]+)(?: +(.*)|$)/s.exec(line.toString('utf8')) ?? [];
  if (tag === undefined) throw new Malformed('a response was expected');
  if (tag === '+') return { tag, name: '', code: undefined, text: rest, line };
  const [, word = '', text = ''] = /^(\S*) *(.*)$/s.exec(rest) ?? [];
  const name = word.toUpperCase();
  if (!STATUS.test(name)) return { tag, name, code: undefined, text, line };
  const coded = /^\[([^\]]*)\] ?(.*)$/s.exec(text);
  return { tag, name, code: coded?.[1], text: coded?.[2] ?? text, line };
}
