const BEYOND_ASCII = /[^\0-\x7f]/;

/**
 * Text as it is compared. After RFC 5051 (i;unicode-casemap, which RFC 5255 §4 asks of searching): decomposed, so that "cafe" is in
 * "café" and "ﬁ" is "fi", and in capitals. Beyond it, case is that of the whole of Unicode: "ß" and "ẞ" are "ss".
 */
export function fold(text: string): string {
  return BEYOND_ASCII.test(text) ? text.normalize('NFKD').toLowerCase().toUpperCase() : text.toUpperCase();
}
