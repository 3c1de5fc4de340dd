/**
 * The text of a binary security identifier (MS-DTYP §2.4.2.1), such as `S-1-5-21-1004336348-1177238915-682003330-512`.
 * Undefined for what is none.
 */
export function sidText(bytes: Buffer): string | undefined {
  const count = bytes[1] ?? 0;
  if (bytes[0] !== 1 || bytes.length !== 8 + 4 * count) return undefined;
  const parts = Array.from({ length: count }, (_, index) => bytes.readUInt32LE(8 + 4 * index));
  return ['S', 1, bytes.readUIntBE(2, 6), ...parts].join('-');
}

/** The SID of another account of the same domain: all but its last part is the domain's. */
export function siblingSid(sid: string, relativeId: number): string {
  return `${sid.slice(0, sid.lastIndexOf('-'))}-${relativeId}`;
}
