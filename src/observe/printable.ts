/** What would move a terminal's cursor, hide text or reorder it: controls, format characters, line separators, lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Text from outside made fit for a log that people read in terminals: unprintable characters become `\u{1b}`, and what is
 * longer than `most` UTF-16 units is cut with a `…`.
 */
export function printable(text: string, most = Number.POSITIVE_INFINITY): string {
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(UNPRINTABLE, character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
