import type { DecisionRecord } from '../auth/decision-record.ts';
import type { DirectoryUser } from '../auth/principal.ts';
import { formatEndpoint } from '../config/address.ts';
import type { Config } from '../config/schema.ts';
import { listenerName } from '../net/listener.ts';
import type { Route } from '../route/route.ts';
import { Router } from '../route/router.ts';

/** The routes of a configuration, for users who came in at a listener of it: rules may call that by its name or by its address. */
export class ListenerRouter {
  readonly #router: Router;
  readonly #addresses: ReadonlyMap<string, string>;

  constructor(config: Config) {
    this.#router = new Router(config);
    this.#addresses = new Map(
      config.listeners.map(listener => [listenerName(listener), formatEndpoint(listener.address)]),
    );
  }

  /** @throws MailError as Router.route does */
  route(
    user: DirectoryUser & { readonly login: string },
    { listener }: { readonly listener: string },
    record: DecisionRecord,
  ): Route {
    return this.#router.route(user, { listener, listenerAddress: this.#addresses.get(listener) ?? listener }, record);
  }
}
