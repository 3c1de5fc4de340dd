import type { SearchKey } from '../search-key.ts';

const FIELDS = ['Bcc', 'Cc', 'From', 'Subject', 'To'];

/** Header fields with keys of their own (RFC 9051 §6.4.4). */
export const headerFields: readonly SearchKey[] = FIELDS.map(field => ({
  name: field.toUpperCase(),
  parse(reader) {
    reader.scanner.space();
    return { kind: 'header', field, text: reader.text() };
  },
}));
