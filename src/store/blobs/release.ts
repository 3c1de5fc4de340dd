/**
 * Gives the memory of octets back at once; they must not be used afterwards. The collector counts a buffer as a few octets and looks
 * late: 200 MB in frames had it hold 70 MB. Short buffers, which share a pool of Node's, are left alone.
 */
export function release(octets: Uint8Array): void {
  const { buffer } = octets;
  // Longer than the pool, which is a little longer than it says: nobody else's.
  if (buffer instanceof ArrayBuffer && buffer.byteLength > 2 * Buffer.poolSize) buffer.transfer(0);
}
