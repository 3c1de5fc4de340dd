import type { Logger } from '../observe/log.ts';
import type { CertificatePair } from './certificate-pair.ts';

export const DAY_MS = 86_400_000;

/** Days before the end at which the administrator is told. */
const WARN_AT_DAYS = [30, 14, 3];

/** Whole days until the certificate ends; negative once it has. */
export function daysLeft(notAfter: Date, now: number): number {
  return Math.floor((notAfter.getTime() - now) / DAY_MS);
}

/**
 * Says in the log that certificates are running out: once each at 30, 14 and 3 days, and once when one has ended. A renewed
 * certificate is another one, so it is warned about afresh.
 */
export class ExpiryWarnings {
  readonly #log: Logger;
  /** Fingerprint to the tightest mark that was told. */
  readonly #told = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  check(pairs: readonly CertificatePair[], now: number): void {
    for (const pair of pairs) this.#checkOne(pair, now);
    const current = new Set(pairs.map(pair => pair.leaf.fingerprint256));
    for (const fingerprint of this.#told.keys()) if (!current.has(fingerprint)) this.#told.delete(fingerprint);
  }

  #checkOne(pair: CertificatePair, now: number): void {
    const left = daysLeft(pair.notAfter, now);
    const remaining = pair.notAfter.getTime() - now;
    const ended = remaining <= 0;
    const mark = ended ? 0 : WARN_AT_DAYS.findLast(days => remaining <= days * DAY_MS);
    if (mark === undefined || mark >= (this.#told.get(pair.leaf.fingerprint256) ?? Number.POSITIVE_INFINITY)) return;
    this.#told.set(pair.leaf.fingerprint256, mark);
    const facts = {
      certificate: pair.files.certificate,
      names: pair.shownNames,
      notAfter: pair.notAfter.toISOString(),
      daysLeft: left,
    };
    if (ended) this.#log.error(facts, 'a certificate has expired: clients refuse it');
    else this.#log.warn(facts, 'a certificate expires soon');
  }
}
