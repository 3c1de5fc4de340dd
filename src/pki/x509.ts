/**
 * The X.509 library, loaded when first asked for: it takes a tenth of a second and a few MB, which `serve` never needs. Its
 * dependency injection wants reflect-metadata to be there before it.
 */
export async function loadX509(): Promise<typeof import('@peculiar/x509')> {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}
