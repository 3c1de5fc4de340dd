import type { Config } from '../config/schema.ts';
import { type AccountId, isAccountId } from '../mail/ids.ts';
import type { StatusReport } from '../observe/admin-reports.ts';
import { Serving, type ServingDeps, servedStore } from './serving.ts';

/** What serves mailboxes, from the first configuration on that has a route to a store; then until the end of the process. */
export class LateServing {
  readonly #deps: ServingDeps;
  #serving: Serving | undefined;

  constructor(deps: ServingDeps) {
    this.#deps = deps;
  }

  get now(): Serving | undefined {
    return this.#serving;
  }

  /**
   * Makes ready what a configuration needs. What was settled when the store was opened stays as it is.
   * @throws DataFolderError when the data folder is not to be had
   */
  async follow(config: Config): Promise<void> {
    const store = servedStore(config);
    if (store && this.#serving) this.#serving.apply(store);
    else if (store) this.#serving = await Serving.open(config.server.data, store, this.#deps);
  }

  /** @throws RangeError, MailError */
  async copyIndex(account: string): Promise<string> {
    const { serving, id } = this.#about(account);
    return await serving.copyIndex(id);
  }

  /** @throws RangeError, MailError; the signal's reason */
  async hold(account: string, signal: AbortSignal): Promise<() => void> {
    const { serving, id } = this.#about(account);
    return await serving.hold(id, signal);
  }

  #about(account: string): { serving: Serving; id: AccountId } {
    if (!this.#serving) throw new RangeError('this server keeps no mail');
    if (!isAccountId(account)) throw new RangeError(`${account} is not the id of an account`);
    return { serving: this.#serving, id: account };
  }

  /** For `postern status`. */
  report(): StatusReport['store'] {
    if (!this.#serving) return undefined;
    const { accounts, stores, free, fault } = this.#serving.state();
    return {
      data: this.#serving.data.root,
      accounts,
      stores,
      ...(free !== undefined && { free }),
      ...(fault !== undefined && { fault }),
    };
  }

  async close(): Promise<void> {
    await this.#serving?.close();
  }
}
