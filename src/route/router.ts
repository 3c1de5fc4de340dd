import type { DecisionRecord } from '../auth/decision-record.ts';
import type { DirectoryUser } from '../auth/principal.ts';
import type { Config } from '../config/schema.ts';
import { MailError } from '../mail/mail-error.ts';
import { type Condition, compileConditions, fold, type RoutedUser } from './conditions.ts';
import type { Route, RouteMount } from './route.ts';

/** How a route says that the user's own host attribute names the upstream. */
const BY_HOST = '{host}';

type Rule = { readonly conditions: readonly Condition[] } & (
  | { readonly relay: string }
  | { readonly mounts: readonly RouteMount[] }
  | { readonly refuse: string }
);

/**
 * Decides where a user goes: the first rule of which all conditions hold. Knows nothing but what it is handed: an attribute that
 * a directory could not read has already failed the login and never arrives here as "no value".
 */
export class Router {
  readonly #rules: readonly Rule[];
  /** Upstreams by key, and by the names of their servers. */
  readonly #upstreams: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #keys: ReadonlySet<string>;

  /** @throws Error for a rule that does nothing, or names an upstream that is not there */
  constructor(config: Pick<Config, 'routes' | 'upstreams'>) {
    this.#keys = new Set(Object.keys(config.upstreams));
    this.#upstreams = namesOf(config.upstreams);
    this.#rules = config.routes.map(({ when, relay, mounts, refuse }, index) => {
      const conditions = compileConditions(when);
      if (refuse !== undefined) return { conditions, refuse };
      if (mounts !== undefined) return { conditions, mounts };
      if (relay === undefined) throw new Error(`routes[${index}] neither relays, serves nor refuses`);
      if (relay !== BY_HOST && !this.#keys.has(relay)) throw new Error(`routes[${index}]: no upstream "${relay}"`);
      return { conditions, relay };
    });
  }

  /**
   * @param context.listener name of the listener; its address unless it has one
   * @throws MailError contact-admin when the rule is "{host}" and the host names no upstream, or several, or is missing: another
   * rule is not tried, since it might open another mailbox; and when no rule matches
   */
  route(
    user: DirectoryUser & { readonly login: string },
    context: { readonly listener: string; readonly listenerAddress?: string },
    record: DecisionRecord,
  ): Route {
    const { listener, listenerAddress = listener } = context;
    const who: RoutedUser = { user, listener, listenerAddress };
    for (const [index, rule] of this.#rules.entries()) {
      const name = `routes[${index}]`;
      const checks = rule.conditions.map(condition => condition.check(who));
      const failed = checks.find(({ holds }) => !holds);
      if (failed) {
        record.step('route', 'skip', `${name}: ${failed.because}`);
        continue;
      }
      const because = checks.length === 0 ? 'always' : checks.map(check => check.because).join(', ');
      if ('refuse' in rule) {
        record.step('route', 'fail', `${name}: ${because}: refused: ${rule.refuse}`);
        return { mode: 'refuse', text: rule.refuse, rule: index };
      }
      if ('mounts' in rule) {
        record.step(
          'route',
          'ok',
          `${name}: ${because}: served from ${rule.mounts.map(({ store }) => store).join(', ')}`,
        );
        return { mode: 'serve', mounts: rule.mounts, rule: index };
      }
      const upstream = rule.relay === BY_HOST ? this.#upstreamOf(user, name, record) : rule.relay;
      record.step('route', 'ok', `${name}: ${because}: relay to ${upstream}`);
      return { mode: 'relay', upstream, rule: index };
    }
    throw refusal(record, 'no route matches');
  }

  #upstreamOf(user: DirectoryUser, rule: string, record: DecisionRecord): string {
    if (user.host === undefined || user.host.trim() === '') {
      throw refusal(record, `${rule}: ${user.entry} has no host attribute`);
    }
    if (this.#keys.has(user.host)) return user.host;
    const [upstream, ...others] = this.#upstreams.get(hostName(user.host)) ?? [];
    if (upstream === undefined) throw refusal(record, `${rule}: host "${user.host}" names no upstream`);
    if (others.length === 0) return upstream;
    throw refusal(record, `${rule}: host "${user.host}" names several upstreams: ${[upstream, ...others].join(', ')}`);
  }
}

function refusal(record: DecisionRecord, detail: string): MailError {
  record.step('route', 'fail', detail);
  return new MailError('contact-admin', detail);
}

/** Every name by which a host attribute may call an upstream. A key comes before a server of the same name elsewhere. */
function namesOf(upstreams: Config['upstreams']): Map<string, Set<string>> {
  const keys = new Map<string, Set<string>>();
  const servers = new Map<string, Set<string>>();
  const add = (names: Map<string, Set<string>>, name: string, key: string) => {
    names.set(name, (names.get(name) ?? new Set()).add(key));
  };
  for (const [key, upstream] of Object.entries(upstreams)) {
    add(keys, hostName(key), key);
    for (const { host, port } of upstream.servers) {
      add(servers, hostName(host), key);
      add(servers, hostName(`${host}:${port}`), key);
    }
  }
  return new Map([...servers, ...keys]);
}

/** A host name as it is compared: without regard to case and the dot of the root. */
function hostName(text: string): string {
  return fold(text).replace(/\.$/, '');
}
