import { isUtf8 } from 'node:buffer';
import type { LdapConfig } from '../../config/schema.ts';
import { AuthError } from '../directory.ts';
import type { DirectoryUser } from '../principal.ts';
import { KeptVerifiers } from '../scram-verifier.ts';
import type { LdapEntry } from './response.ts';

const NOTHING: ReadonlySet<string> = new Set();

export type AttributeNames = LdapConfig['users']['attributes'];

/** Every attribute to ask for, each by its name: operational ones (entryUUID, memberOf) do not come with "*". */
export function attributesToRead(names: AttributeNames): readonly string[] {
  const { id, login, mail, quota, host, groups, extra, scram } = names;
  const wanted = [id, login, mail, host, groups, ...extra, quota, scram].filter(name => name !== undefined);
  return [...new Map(wanted.map(name => [name.toLowerCase(), name])).values()];
}

/**
 * What an entry says of a user.
 *
 * @param fallbackName the name of a user whose entry has no login attribute
 * @param hidden attributes in lower case that were read for ourselves only
 * @throws AuthError `misconfigured` for an entry without exactly one id: it cannot be told from others for good
 */
export function userOf(
  directory: string,
  entry: LdapEntry,
  names: AttributeNames,
  fallbackName: string,
  hidden: ReadonlySet<string> = NOTHING,
): DirectoryUser {
  const { dn, attributes } = entry;
  const groups = names.groups.toLowerCase();
  const id = names.id.toLowerCase();
  const scram = names.scram?.toLowerCase();
  const verifiers = scram === undefined ? [] : (attributes.get(scram) ?? []);
  const further = new Map<string, readonly string[]>();
  for (const [name, values] of attributes) {
    if (values.length > 0 && name !== groups && name !== id && name !== scram && !hidden.has(name))
      further.set(name, values.map(textOf));
  }
  const first = (name: string) => further.get(name.toLowerCase())?.[0];
  return {
    directory,
    id: idOf(entry, names.id),
    name: first(names.login) ?? fallbackName,
    mail: first(names.mail),
    host: first(names.host),
    groups: attributes.get(groups)?.map(textOf) ?? [],
    attributes: further,
    entry: dn,
    ...(verifiers.length > 0 ? { scram: new KeptVerifiers(verifiers.map(textOf)) } : {}),
  };
}

/** Names of the attributes that the server sent in parts: Active Directory calls them `memberOf;range=0-1499`. */
export function rangedNames({ attributes }: LdapEntry): readonly string[] {
  const names = [...attributes.keys()].flatMap(key => /^([^;]+);range=/.exec(key)?.[1] ?? []);
  return [...new Set(names)];
}

/**
 * All parts of an attribute under its plain name (MS-ADTS §3.1.1.3.1.3.3).
 *
 * @param readMore reads the attribute of that name and range from the same entry
 * @throws AuthError `misconfigured` when the rest cannot be read, since a group that was not read must not select another route
 */
export async function joinRanges(
  entry: LdapEntry,
  name: string,
  readMore: (range: string) => Promise<LdapEntry | undefined>,
): Promise<LdapEntry> {
  const plain = name.toLowerCase();
  const attributes = new Map(entry.attributes);
  const joined = [...(attributes.get(plain) ?? [])];
  for (let part = rangeOf(entry, plain), parts = 1; ; parts += 1) {
    if (!part || parts > MOST_RANGES) {
      throw new AuthError('misconfigured', `${entry.dn}: the values of ${name} cannot all be read`);
    }
    attributes.delete(part.key);
    joined.push(...part.values);
    if (part.last === undefined) break;
    const more = await readMore(`${name};range=${part.last + 1}-*`);
    part = more && rangeOf(more, plain);
  }
  return { dn: entry.dn, attributes: attributes.set(plain, joined) };
}

/** Parts read for one entry, of 1,500 values each in Active Directory. */
const MOST_RANGES = 100;

interface Range {
  readonly key: string;
  /** Number of its last value; undefined when there are no more. */
  readonly last: number | undefined;
  readonly values: readonly Buffer[];
}

function rangeOf({ attributes }: LdapEntry, name: string): Range | undefined {
  for (const [key, values] of attributes) {
    const last = key.startsWith(`${name};range=`) ? /-(\d+|\*)$/.exec(key)?.[1] : undefined;
    if (last !== undefined) return { key, last: last === '*' ? undefined : Number(last), values };
  }
  return undefined;
}

function idOf(entry: LdapEntry, name: string): string {
  const values = entry.attributes.get(name.toLowerCase()) ?? [];
  const [value] = values;
  if (!value || value.length === 0) {
    throw new AuthError('misconfigured', `${entry.dn} has no ${name}, or the service account may not read it`);
  }
  if (values.length > 1) throw new AuthError('misconfigured', `${entry.dn} has ${values.length} values of ${name}`);
  if (name.toLowerCase() === 'objectguid' && value.length === 16) return guidText(value);
  if (!isPlainText(value)) return value.toString('hex');
  const text = value.toString('utf8');
  return UUID.test(text) ? text.toLowerCase() : text;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The canonical text of a binary GUID, whose first three fields are little-endian (MS-DTYP §2.3.4). */
export function guidText(bytes: Buffer): string {
  const hex = Buffer.from(bytes);
  hex.subarray(0, 4).reverse();
  hex.subarray(4, 6).reverse();
  hex.subarray(6, 8).reverse();
  return hex.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Text as it is; anything else, which no rule can be written for anyway, in base64. */
function textOf(value: Buffer): string {
  return isUtf8(value) ? value.toString('utf8') : value.toString('base64');
}

/** Whether no byte of it is a control character: binary ids are UTF-8 by chance more often than one would think. */
function isPlainText(value: Buffer): boolean {
  return isUtf8(value) && !value.some(byte => byte < 0x20 || byte === 0x7f);
}
