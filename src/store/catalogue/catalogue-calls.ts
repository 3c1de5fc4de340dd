import type { AccountId } from '../../mail/ids.ts';
import type { AccountOwner } from './catalogue.ts';
import { CatalogueDatabase } from './catalogue-database.ts';

/** One call, as it goes to the catalogue's thread. */
export type CatalogueCall =
  | { readonly kind: 'record'; readonly account: AccountId; readonly owner: AccountOwner }
  | { readonly kind: 'find' | 'forget'; readonly account: AccountId }
  | { readonly kind: 'login'; readonly login: string }
  | { readonly kind: 'list'; readonly after: AccountId | undefined; readonly limit: number }
  | { readonly kind: 'copy'; readonly path: string };

/** Answers calls, and opens the file at the first. */
export class CatalogueCalls {
  readonly #path: string;
  #opening: Promise<CatalogueDatabase> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async run(call: CatalogueCall): Promise<unknown> {
    this.#opening ??= CatalogueDatabase.open(this.#path, Date.now);
    const opening = this.#opening;
    try {
      return await answer(await opening, call);
    } catch (error) {
      // The next call tries anew: the file may be put back, the disk have room.
      if (this.#opening === opening) {
        this.#opening = undefined;
        opening.then(
          database => database.close(),
          () => undefined,
        );
      }
      throw error;
    }
  }

  close(): void {
    this.#opening?.then(
      database => database.close(),
      () => undefined,
    );
  }
}

function answer(database: CatalogueDatabase, call: CatalogueCall): unknown {
  switch (call.kind) {
    case 'record':
      return database.record(call.account, call.owner);
    case 'find':
      return database.find(call.account);
    case 'forget':
      return database.forget(call.account);
    case 'login':
      return database.findByLogin(call.login);
    case 'list':
      return database.list(call.after, call.limit);
    case 'copy':
      return database.copyTo(call.path);
  }
}
