import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Logger } from '../observe/log.ts';
import { CertificateError, type CertificateFiles, type CertificatePair, readPair } from './certificate-pair.ts';

/**
 * One certificate of the configuration, followed as its files change. What is on disk may be half of a renewal (a new
 * certificate beside the old key): only a pair that fits together ever replaces the one in use.
 */
export class CertificateSource {
  readonly files: CertificateFiles;
  #pair: CertificatePair;
  /** The file versions the pair was read from; taken before reading, so that a change meanwhile is seen next time. */
  #stamp: string;
  /** The versions last refused, so that each is complained about once. */
  #refused: string | undefined;

  /** @throws CertificateError */
  constructor(files: CertificateFiles) {
    this.files = files;
    this.#stamp = [files.certificate, files.key].map(stampNow).join();
    this.#pair = readPair(files);
  }

  get pair(): CertificatePair {
    return this.#pair;
  }

  /** The versions of the files as they are now, for `adopt`. `stat` follows symbolic links, so it sees them swapped. */
  async look(): Promise<string> {
    const stamps = await Promise.all(
      [this.files.certificate, this.files.key].map(file =>
        stat(file, { bigint: true }).then(formatStamp, (error: unknown) => `unreadable ${String(error)}`),
      ),
    );
    return stamps.join();
  }

  /** Takes what is on disk if its versions are new and it is fit to serve; whether it changed what is served. */
  adopt(stamp: string, log: Logger): boolean {
    if (stamp === this.#stamp) this.#refused = undefined;
    if (stamp === this.#stamp || stamp === this.#refused) return false;
    let next: CertificatePair;
    try {
      next = readPair(this.files);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      this.#refused = stamp;
      log.error(
        { certificate: this.files.certificate, key: this.files.key, reason: error.message },
        'a replaced certificate cannot be used; the old one is kept',
      );
      return false;
    }
    const same = next.certificate.equals(this.#pair.certificate) && next.key.equals(this.#pair.key);
    this.#stamp = stamp;
    this.#refused = undefined;
    this.#pair = next;
    if (same) return false;
    log.info(
      { certificate: this.files.certificate, names: next.shownNames, notAfter: next.notAfter.toISOString() },
      'a certificate was replaced',
    );
    return true;
  }
}

/** What goes wrong here goes wrong again when the file is read, and is said there. */
function stampNow(file: string): string {
  try {
    return formatStamp(statSync(file, { bigint: true }));
  } catch (error) {
    return `unreadable ${String(error)}`;
  }
}

function formatStamp(found: { dev: bigint; ino: bigint; mtimeNs: bigint; ctimeNs: bigint; size: bigint }): string {
  return [found.dev, found.ino, found.mtimeNs, found.ctimeNs, found.size].join(':');
}
