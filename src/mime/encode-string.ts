// RFC 9051 §9: a quoted string holds no NUL, CR, LF or 8-bit byte.
const QUOTABLE = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/;
const LINE_ENDS = /[\r\n]+/g;
/** Longer ones go as literals: some clients limit their lines. */
const QUOTED_MOST = 1000;

/** A string of bytes, quoted or as a literal; NIL when there is none. Neither may hold a NUL (RFC 9051 §4.3): it becomes U+FFFD in UTF-8. */
export function encodeNString(value: string | undefined): string {
  if (value === undefined) return 'NIL';
  if (value.length <= QUOTED_MOST && QUOTABLE.test(value)) return `"${value.replace(/["\\]/g, '\\$&')}"`;
  const safe = value.replaceAll('\0', '\xef\xbf\xbd');
  return `{${safe.length}}\r\n${safe}`;
}

/** A text of a header on one line: folds are undone (RFC 5322 §2.2.3), a stray line end becomes a space. */
export function encodeUnfolded(value: string | undefined): string {
  return encodeNString(value === undefined ? undefined : unfold(value));
}

/** A folded value on one line, its white space kept. */
export function unfold(value: string): string {
  return value.replace(LINE_ENDS, (ends: string, at: number) => {
    const next = value.charAt(at + ends.length);
    return next === ' ' || next === '\t' ? '' : ' ';
  });
}

/** A name or subject for people: runs of white space are one space, none at the ends. */
export function encodeForPeople(value: string | undefined): string {
  return encodeNString(value?.replace(/[ \t\r\n]+/g, ' ').trim());
}
