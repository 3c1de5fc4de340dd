import { diskError } from './disk.ts';

/**
 * Files being closed while nobody waits: what was read from them has been checked, and closing them can tell nothing about it. Whoever
 * closes the blobs waits, and is told.
 */
export class Closings {
  readonly #running = new Set<Promise<void>>();
  #failed: { readonly error: unknown } | undefined;

  add(closing: Promise<void>): void {
    this.#running.add(closing);
    closing.then(
      () => this.#running.delete(closing),
      error => {
        this.#running.delete(closing);
        this.#failed ??= { error };
      },
    );
  }

  /** @throws BlobError: the first of those that could not be closed, once */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#running);
    const failed = this.#failed;
    this.#failed = undefined;
    if (failed) throw diskError('closing a blob', failed.error);
  }
}
