import { BerCursor, TAG } from '../../auth/ldap/ber.ts';
import { type LdapFilter, parseFilter } from './ldap-filter.ts';

/** What a client asks (RFC 4511 §4), as far as a small directory needs to know. */
export type LdapRequest =
  /** `password` is undefined for SASL. */
  | { readonly kind: 'bind'; readonly id: number; readonly dn: string; readonly password: string | undefined }
  | (LdapSearch & { readonly kind: 'search'; readonly id: number })
  | { readonly kind: 'unbind'; readonly id: number }
  /** Abandon: the operation has been answered long ago. */
  | { readonly kind: 'abandon'; readonly id: number }
  /** Tag of the answer to an operation that is not for this server; undefined when nobody knows. */
  | { readonly kind: 'other'; readonly id: number; readonly answer: number | undefined };

export interface LdapSearch {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  /** 0 = none. */
  readonly sizeLimit: number;
  readonly filter: LdapFilter;
  readonly attributes: readonly string[];
  /** Asked for page by page (RFC 2696). */
  readonly paged: boolean;
}

/** Tags of answers. */
export const ANSWER_TO = { bind: 0x61, search: 0x65, extended: 0x78 } as const;

/** Result codes of RFC 4511 §A.1. */
export const RESULT = {
  success: 0,
  protocolError: 2,
  sizeLimitExceeded: 4,
  authMethodNotSupported: 7,
  noSuchObject: 32,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  unwillingToPerform: 53,
} as const;

const BIND = 0x60;
const UNBIND = 0x42;
const SEARCH = 0x63;
const ABANDON = 0x50;
/** Modify, add, delete, rename, compare, extended, and the tags of their answers. */
const OTHERS: ReadonlyMap<number, number> = new Map([
  [0x66, 0x67],
  [0x68, 0x69],
  [0x4a, 0x6b],
  [0x6c, 0x6d],
  [0x6e, 0x6f],
  [0x77, ANSWER_TO.extended],
]);
const SCOPES = ['base', 'one', 'sub'] as const;
const PAGED_RESULTS = '1.2.840.113556.1.4.319';

/** Takes one complete message apart. @throws MalformedMessage */
export function parseRequest(message: Buffer): LdapRequest {
  const body = new BerCursor(message).enter(TAG.sequence);
  const id = body.integer();
  const operation = body.tag ?? 0;
  if (operation === UNBIND) return { kind: 'unbind', id };
  if (operation === ABANDON) return { kind: 'abandon', id };
  if (operation !== BIND && operation !== SEARCH) return { kind: 'other', id, answer: OTHERS.get(operation) };
  const content = body.enter(operation);
  if (operation === BIND) {
    content.integer();
    const dn = content.text();
    return { kind: 'bind', id, dn, password: content.tag === 0x80 ? content.text(0x80) : undefined };
  }
  const base = content.text();
  const scope = SCOPES[content.integer(TAG.enumerated)] ?? 'base';
  content.skip();
  const sizeLimit = content.integer();
  content.skip();
  content.skip();
  const filter = parseFilter(content);
  const attributes: string[] = [];
  for (const list = content.enter(TAG.sequence); !list.done; ) attributes.push(list.text());
  return { kind: 'search', id, base, scope, sizeLimit, filter, attributes, paged: hasPaging(body) };
}

function hasPaging(body: BerCursor): boolean {
  if (body.tag !== 0xa0) return false;
  for (const controls = body.enter(0xa0); !controls.done; ) {
    if (controls.enter(TAG.sequence).text() === PAGED_RESULTS) return true;
  }
  return false;
}

/** An LDAPResult under the tag of its operation. @param paged adds the control that says there are no more pages */
export function encodeResult(id: number, tag: number, code: number, text = '', paged = false): Buffer {
  const result = element(tag, integer(code, TAG.enumerated), element(TAG.octets), element(TAG.octets, text));
  const lastPage = element(TAG.sequence, integer(0), element(TAG.octets));
  const control = element(TAG.sequence, element(TAG.octets, PAGED_RESULTS), element(TAG.octets, lastPage));
  return element(TAG.sequence, integer(id), result, ...(paged ? [element(0xa0, control)] : []));
}

export function encodeEntry(
  id: number,
  dn: string,
  attributes: readonly (readonly [name: string, values: readonly string[]])[],
): Buffer {
  const list = attributes.map(([name, values]) =>
    element(
      TAG.sequence,
      element(TAG.octets, name),
      element(TAG.set, ...values.map(value => element(TAG.octets, value))),
    ),
  );
  return element(TAG.sequence, integer(id), element(0x64, element(TAG.octets, dn), element(TAG.sequence, ...list)));
}

/** One BER element with a definite length (X.690 §8.1). */
export function element(tag: number, ...contents: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(contents.map(part => (typeof part === 'string' ? Buffer.from(part) : part)));
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const header = Buffer.from([tag, 0x84, 0, 0, 0, 0]);
  header.writeUInt32BE(content.length, 2);
  return Buffer.concat([header, content]);
}

/** @param value 0 to 2^31-1 */
export function integer(value: number, tag: number = TAG.integer): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(value, 1);
  // The fewest bytes whose first bit is the sign (X.690 §8.3.2).
  const first = bytes.findIndex((byte, index) => index === 4 || byte !== 0 || (bytes[index + 1] ?? 0) >= 0x80);
  return element(tag, bytes.subarray(first));
}
