import type { SequenceSet } from '../../imap/sequence-set.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { UidRanges } from '../../mail/uid-ranges.ts';
import type { SelectedMailbox } from '../../session/contract.ts';
import { Pace } from '../pace.ts';
import type { SearchView } from '../search-key.ts';

/** Sets that any SEARCH may have, whatever they name. */
const SETS_FREE = 10;
/** Ranges of UIDs that all sets together may come to: a line has room for thousands of sets that each name half of a mailbox. */
const RANGES_MOST = 200_000;

/** The view of one SEARCH: what its sets come to has a bound. */
export class BoundedView implements SearchView {
  readonly #selected: SelectedMailbox;
  readonly #pace = new Pace();
  #sets = 0;
  #ranges = 0;

  constructor(selected: SelectedMailbox) {
    this.#selected = selected;
  }

  get exists(): number {
    return this.#selected.exists;
  }

  get recent(): UidRanges {
    return this.#selected.recent;
  }

  /** @throws MailError `limit` */
  async resolve(set: SequenceSet, byUid: boolean): Promise<UidRanges> {
    if (this.#pace.isDue) await this.#pace.rest();
    const ranges = await this.#selected.resolve(set, byUid);
    this.#sets += 1;
    this.#ranges += ranges.length;
    if (this.#sets > SETS_FREE && this.#ranges > RANGES_MOST) {
      throw new MailError('limit', 'the sets of a SEARCH name too much', {
        answer: 'The search names too many messages.',
      });
    }
    return ranges;
  }
}
