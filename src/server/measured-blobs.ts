import type { Blobs } from '../store/blobs/blobs.ts';

/** Hears of what was done to blobs: octets of what was put, of content. */
export type ObserveBlobs = (operation: 'put' | 'delete' | 'read', octets: number) => void;

/** Blobs of which every operation is counted. */
export function measuredBlobs(blobs: Blobs, observe: ObserveBlobs): Blobs {
  return {
    async put(source, options) {
      const kept = await blobs.put(source, options);
      observe('put', kept.size);
      return kept;
    },
    async *read(id, range, signal) {
      let octets = 0;
      try {
        for await (const chunk of blobs.read(id, range, signal)) {
          octets += chunk.length;
          yield chunk;
        }
      } finally {
        observe('read', octets);
      }
    },
    async delete(id) {
      await blobs.delete(id);
      observe('delete', 0);
    },
    stat: id => blobs.stat(id),
    list: options => blobs.list(options),
    close: () => blobs.close(),
  };
}
