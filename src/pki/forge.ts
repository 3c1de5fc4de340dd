/**
 * node-forge, loaded when first asked for. It is used for what it does well: ASN.1 in all of BER, and RC2, which no OpenSSL
 * of today offers. Keys and certificates are never left to it, since it knows RSA only.
 */
export async function loadForge(): Promise<typeof import('node-forge')> {
  const { default: forge } = await import('node-forge');
  return forge;
}
