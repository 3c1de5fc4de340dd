import { afterEach, beforeEach, describe } from 'vitest';
import type { Store } from '../../src/mail/store.ts';
import { appending } from './store/appending.ts';
import { changing } from './store/changing.ts';
import { copying } from './store/copying.ts';
import { flagging } from './store/flagging.ts';
import { mailboxes } from './store/mailboxes.ts';
import { reading } from './store/reading.ts';
import { searching } from './store/searching.ts';
import type { StoreSubject } from './store/session.ts';
import { watching } from './store/watching.ts';

/** What the tests of one account have in hand. */
export interface Stand {
  /** One session. */
  readonly store: Store;
  /** Another one of the same user. */
  another(): Promise<Store>;
}

/** What every `Store` does. @param make makes an account; called for each test */
export function storeConformance(name: string, make: () => Promise<StoreSubject>): void {
  describe(`${name} is a store`, () => {
    let subject: StoreSubject;
    let stores: Store[];
    const another = async () => {
      const store = await subject.open();
      stores.push(store);
      return store;
    };
    const stand = {
      get store(): Store {
        const [first] = stores;
        if (!first) throw new Error('the store is only there during a test');
        return first;
      },
      another,
    };

    beforeEach(async () => {
      subject = await make();
      stores = [];
      await another();
    });

    afterEach(async () => {
      await Promise.all(stores.map(store => store.close()));
      await subject.close();
    });

    mailboxes(stand);
    appending(stand);
    reading(stand);
    flagging(stand);
    copying(stand);
    changing(stand);
    searching(stand);
    watching(stand);
  });
}
