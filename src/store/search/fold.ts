const BEYOND_ASCII = /[^\0-\x7f]/;
const JAMO = /[\u1100-\u11ff]+/g;

/**
 * Text as it is compared. After RFC 5051 (i;unicode-casemap, which RFC 5255 §4 asks of searching): decomposed, so that "cafe" is in
 * "café" and "ﬁ" is "fi", and in capitals. Beyond it, case is that of the whole of Unicode: "ß" and "ẞ" are "ss". Hangul stays
 * composed, as there: a syllable is not in another that begins as it does.
 */
export function fold(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toUpperCase();
  // Of all capitals this one alone is not reached from its small letter.
  const capitals = text.normalize('NFKD').toUpperCase().replaceAll('ẞ', 'SS');
  return capitals.replace(JAMO, jamo => jamo.normalize('NFC'));
}
