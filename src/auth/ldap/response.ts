import { BerCursor, TAG } from './ber.ts';

/** Attributes of an entry by name in lower case (options such as `;range=0-1499` included), values as the server sent them. */
export type Attributes = ReadonlyMap<string, readonly Buffer[]>;

export interface LdapEntry {
  readonly dn: string;
  readonly attributes: Attributes;
}

/** A final answer: LDAPResult of RFC 4511 §4.1.9. */
export interface LdapResult {
  readonly code: number;
  /** The server's own words; may be empty. */
  readonly message: string;
  /** Values of the response controls by OID. */
  readonly controls: ReadonlyMap<string, Buffer>;
}

export type LdapResponse =
  | { readonly kind: 'entry'; readonly id: number; readonly entry: LdapEntry }
  | { readonly kind: 'reference'; readonly id: number }
  | { readonly kind: 'result'; readonly id: number; readonly operation: number; readonly result: LdapResult };

/** Protocol operations (RFC 4511 §4.2 to §4.14) of the answers we can be given. */
export const ANSWER = { bind: 0x61, search: 0x65, extended: 0x78 } as const;

const ENTRY = 0x64;
const REFERENCE = 0x73;
const CONTROLS = 0xa0;
const NO_CONTROLS: ReadonlyMap<string, Buffer> = new Map();

/** Takes one complete message apart. @throws MalformedMessage when it is not an answer as RFC 4511 §4 has it */
export function parseResponse(message: Buffer): LdapResponse {
  const body = new BerCursor(message).enter(TAG.sequence);
  const id = body.integer();
  const operation = body.tag;
  const content = body.enter(operation);
  if (operation === ENTRY) return { kind: 'entry', id, entry: parseEntry(content) };
  if (operation === REFERENCE) return { kind: 'reference', id };
  const code = content.integer(TAG.enumerated);
  content.octets();
  const text = content.text();
  const controls = body.tag === CONTROLS ? parseControls(body.enter(CONTROLS)) : NO_CONTROLS;
  return { kind: 'result', id, operation: operation ?? 0, result: { code, message: text, controls } };
}

function parseEntry(content: BerCursor): LdapEntry {
  const dn = content.text();
  const attributes = new Map<string, Buffer[]>();
  for (const list = content.enter(TAG.sequence); !list.done; ) {
    const attribute = list.enter(TAG.sequence);
    const name = attribute.text().toLowerCase();
    const values: Buffer[] = [];
    for (const set = attribute.enter(TAG.set); !set.done; ) values.push(set.octets());
    const known = attributes.get(name);
    if (known) known.push(...values);
    else attributes.set(name, values);
  }
  return { dn, attributes };
}

function parseControls(list: BerCursor): ReadonlyMap<string, Buffer> {
  const controls = new Map<string, Buffer>();
  while (!list.done) {
    const control = list.enter(TAG.sequence);
    const oid = control.text();
    if (control.tag === TAG.boolean) control.skip();
    controls.set(oid, control.done ? Buffer.alloc(0) : control.octets());
  }
  return controls;
}
