import type { X509Certificate } from 'node:crypto';

/** What a certificate is good for: host names in lower case, and addresses. */
export interface CertificateNames {
  readonly dns: readonly string[];
  readonly addresses: readonly string[];
}

/**
 * Names of a certificate from its subjectAltName; the common name counts only where there is no alternative name at all
 * (RFC 6125 §6.4.4), which old internal authorities still issue.
 */
export function certificateNames(certificate: X509Certificate): CertificateNames {
  const entries = splitAltNames(certificate.subjectAltName ?? '');
  const valuesOf = (kind: string) =>
    entries.filter(entry => entry.startsWith(kind)).map(entry => entry.slice(kind.length));
  const dns = valuesOf('DNS:').map(normaliseName);
  const addresses = valuesOf('IP Address:');
  if (entries.length > 0) return { dns, addresses };
  const commonName = attributeOf(certificate.subject, 'CN');
  return {
    dns: commonName !== undefined && /^[\w*.-]+$/.test(commonName) ? [normaliseName(commonName)] : [],
    addresses,
  };
}

/** `CN` of a distinguished name as node prints it (one attribute a line), else all of it on one line. */
export function shortName(distinguishedName: string): string {
  return attributeOf(distinguishedName, 'CN') ?? distinguishedName.split('\n').filter(Boolean).join(', ');
}

/** Host names compare without regard to case and to the root's dot. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function attributeOf(distinguishedName: string, attribute: string): string | undefined {
  const line = distinguishedName.split('\n').find(text => text.startsWith(`${attribute}=`));
  return line?.slice(attribute.length + 1).replace(/\\([,+"\\<>; #=])/g, '$1');
}

/** Splits `DNS:a, IP Address:1.2.3.4`; Node writes a value that itself holds a comma or quote as a JSON string. */
function splitAltNames(text: string): string[] {
  const entries = text.match(/[^,"\s][^,"]*(?:"(?:[^"\\]|\\.)*")?/g) ?? [];
  return entries.map(entry => entry.replace(/"(?:[^"\\]|\\.)*"$/, unquote));
}

function unquote(quoted: string): string {
  const value: unknown = JSON.parse(quoted);
  return typeof value === 'string' ? value : '';
}
