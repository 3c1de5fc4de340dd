import type { X509Certificate } from 'node:crypto';

/** A chain put in order, starting with the certificate it was asked for. */
export interface OrderedChain {
  /** The leaf, then each issuer in turn, the self-signed root last if it is there. */
  readonly chain: readonly X509Certificate[];
  /** Whether the last one is self-signed. */
  readonly reachesRoot: boolean;
}

/** Whether `issuer` really signed `certificate`: its name, its key identifier and the signature itself. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

export function isSelfSigned(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

/** Picks from `pool` the issuers of `leaf`, in order. An issuer that was renewed may be there twice: the later one wins. */
export function orderChain(leaf: X509Certificate, pool: readonly X509Certificate[]): OrderedChain {
  const chain = [leaf];
  for (;;) {
    const last = chain.at(-1) ?? leaf;
    if (isSelfSigned(last)) return { chain, reachesRoot: true };
    const [issuer] = pool
      .filter(candidate => !chain.some(used => used.fingerprint256 === candidate.fingerprint256))
      .filter(candidate => isIssuedBy(last, candidate))
      .toSorted((a, b) => b.validToDate.getTime() - a.validToDate.getTime());
    if (!issuer) return { chain, reachesRoot: false };
    chain.push(issuer);
  }
}

/** PEM of certificates, one after the other. */
export function chainPem(chain: readonly X509Certificate[]): string {
  return chain.map(certificate => certificate.toString()).join('');
}
