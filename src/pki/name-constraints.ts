import { isIP } from 'node:net';
import type { Extension } from '@peculiar/x509';
import type { asn1 as ForgeAsn1 } from 'node-forge';
import { loadForge } from './forge.ts';
import type { SubjectName } from './subject-names.ts';
import { loadX509 } from './x509.ts';

export const NAME_CONSTRAINTS_OID = '2.5.29.30';

/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/**
 * The extension that binds an authority to names (RFC 5280 §4.2.1.10): domains with all below them, and addresses. A kind of
 * name of which none is permitted is excluded altogether, since permitting one kind says nothing about the others.
 */
export async function nameConstraints(permitted: readonly SubjectName[]): Promise<Extension> {
  const [x509, { asn1 }] = await Promise.all([loadX509(), loadForge()]);
  const constructed = (tagClass: ForgeAsn1.Class, tag: number, parts: ForgeAsn1.Asn1[]) =>
    asn1.create(tagClass, tag, true, parts);
  const subtree = (tag: number, base: Buffer) =>
    constructed(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, [
      asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, false, base.toString('latin1')),
    ]);

  const addresses = permitted.filter(name => name.type === 'ip').map(name => addressBytes(name.value));
  const domains = permitted.filter(name => name.type === 'dns').map(name => name.value.replace(/^\*\./, ''));
  const allowed = [
    ...domains.map(domain => subtree(DNS_NAME, Buffer.from(domain, 'latin1'))),
    ...addresses.map(address => subtree(IP_ADDRESS, Buffer.concat([address, Buffer.alloc(address.length, 0xff)]))),
  ];
  const forbidden = [
    ...(domains.length === 0 ? [subtree(DNS_NAME, Buffer.alloc(0))] : []),
    ...[4, 16]
      .filter(length => !addresses.some(address => address.length === length))
      .map(length => subtree(IP_ADDRESS, Buffer.alloc(length * 2))),
  ];
  const parts = [allowed, forbidden].flatMap((trees, tag) =>
    trees.length === 0 ? [] : [constructed(asn1.Class.CONTEXT_SPECIFIC, tag, trees)],
  );
  const der = asn1.toDer(constructed(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, parts)).getBytes();
  return new x509.Extension(NAME_CONSTRAINTS_OID, true, Buffer.from(der, 'latin1'));
}

/** The hosts and single addresses a constraints extension permits; wider address ranges are left out. */
export async function permittedNames(extension: Buffer): Promise<SubjectName[]> {
  const { asn1 } = await loadForge();
  const parts = (node: ForgeAsn1.Asn1 | undefined) => (Array.isArray(node?.value) ? node.value : []);
  const permitted = parts(asn1.fromDer(extension.toString('latin1'))).find(part => Number(part.type) === 0);
  return parts(permitted).flatMap((tree): SubjectName[] => {
    const [base] = parts(tree);
    if (typeof base?.value !== 'string') return [];
    const bytes = Buffer.from(base.value, 'latin1');
    if (Number(base.type) === DNS_NAME) return [{ type: 'dns', value: base.value.toLowerCase() }];
    if (Number(base.type) !== IP_ADDRESS || bytes.subarray(bytes.length / 2).some(byte => byte !== 0xff)) return [];
    return [{ type: 'ip', value: addressText(bytes.subarray(0, bytes.length / 2)) }];
  });
}

/** Whether a name is one of the permitted hosts, below one of them, or one of the addresses. */
export function isPermitted(name: SubjectName, permitted: readonly SubjectName[]): boolean {
  return permitted.some(({ type, value }) => {
    if (type !== name.type) return false;
    if (type === 'ip') return addressBytes(value).equals(addressBytes(name.value));
    const host = name.value.replace(/^\*\./, '');
    return host === value || host.endsWith(`.${value.replace(/^\./, '')}`);
  });
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  return (bytes.toString('hex').match(/.{4}/g) ?? []).join(':');
}

/** 4 or 16 bytes of an IP address. */
function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser brings every spelling, also ::ffff:1.2.3.4, into one of colons and at most one "::".
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => '0');
  return Buffer.from([...first, ...zeros, ...last].map(group => group.padStart(4, '0')).join(''), 'hex');
}
