import { getCACertificates } from 'node:tls';

/**
 * Certificates (PEM) of the authorities that this machine trusts, with those its administrator added: what "the system's trust store"
 * means everywhere. Node by itself would take the list it was built with, which serves only where the machine has none, as in
 * small containers.
 */
export function systemAuthorities(): string[] {
  const own = new Set(getCACertificates('system'));
  return own.size > 0 ? [...own] : getCACertificates('bundled');
}
