import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { AccountIndex, Index } from '../../src/store/index/index-port.ts';
import { account } from '../store/index/new-row.ts';
import { accountsConformance } from './index/accounts.ts';
import { changesConformance } from './index/changes.ts';
import { contentsConformance } from './index/contents.ts';
import { copyingConformance } from './index/copying.ts';
import { flagsConformance } from './index/flags.ts';
import { mailboxesConformance } from './index/mailboxes.ts';
import { messagesConformance } from './index/messages.ts';
import { searchConformance } from './index/search.ts';

/** An index made for one run of the suite, empty at first. */
export interface IndexSubject {
  /** The same accounts as a process would see them that starts now; what was opened before is closed by then. */
  open(): Promise<Index>;
  /** A path that nothing is at, for a copy; and an index whose only account is that copy. */
  copyPath(): string;
  openCopy(path: string, of: string): Promise<{ readonly account: AccountIndex; readonly index: Index }>;
  /** Ends whatever is behind it. */
  close(): Promise<void>;
}

/** What the parts of the suite work on: a new account for each test. */
export interface IndexStage {
  readonly subject: IndexSubject;
  readonly index: Index;
  readonly account: AccountIndex;
  /** Closes all and opens it again, as after a restart. */
  reopen(): Promise<void>;
}

/** What every `Index` does. @param make makes a subject; called once */
export function indexConformance(name: string, make: () => Promise<IndexSubject>): void {
  describe(`${name} keeps an index`, () => {
    let subject: IndexSubject;
    let index: Index;
    let current: AccountIndex;
    let count = 0;

    beforeAll(async () => {
      subject = await make();
      index = await subject.open();
    });
    beforeEach(async () => {
      count += 1;
      current = await index.open(account(`${count}`), { mailboxes: [] });
    });
    // Whatever a test has done, the index must hold together.
    afterEach(async () => expect(await current.verify()).toEqual([]));
    afterAll(async () => {
      await index?.close();
      await subject?.close();
    });

    const stage: IndexStage = {
      get subject() {
        return subject;
      },
      get index() {
        return index;
      },
      get account() {
        return current;
      },
      async reopen() {
        await index.close();
        index = await subject.open();
        current = await index.open(current.account);
      },
    };
    accountsConformance(stage);
    mailboxesConformance(stage);
    messagesConformance(stage);
    flagsConformance(stage);
    copyingConformance(stage);
    changesConformance(stage);
    searchConformance(stage);
    contentsConformance(stage);
  });
}
