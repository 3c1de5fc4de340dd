import { isDeepStrictEqual } from 'node:util';
import { formatEndpoint } from './address.ts';
import type { Config, ListenerConfig, StoreConfig } from './schema.ts';

/** What a new configuration changes, in the words of the log and of `postern reload`. */
export interface Changes {
  /** Takes effect at once, for new connections and logins; open sessions go on. */
  readonly applied: string[];
  /** Keys whose new value waits for a restart; until then the old one holds. */
  readonly needsRestart: string[];
}

/** Of a store, what is asked anew for each login and each copy. The rest was settled when its files were opened. */
const STORE_AT_ONCE: readonly (keyof StoreConfig)[] = ['create', 'folders', 'snapshots'];

/**
 * Compares the running configuration with a new one. Names and keys only, no values: a password must not reach a log.
 */
export function describeChanges(before: Config, after: Config): Changes {
  return {
    applied: [
      ...(before.server.name === after.server.name ? [] : [`server.name is ${after.server.name}`]),
      ...describeListeners(before.listeners, after.listeners),
      ...describeNamed('directory', before.directories, after.directories),
      ...describeNamed('upstream', before.upstreams, after.upstreams),
      ...changedKeys(before.tls, after.tls).map(key => `tls.${key} changed`),
      ...changedKeys(before.limits, after.limits).map(key => `limits.${key} changed`),
      ...changedKeys(before.authentication, after.authentication).map(key => `authentication.${key} changed`),
      ...storeKeys(before, after)
        .filter(({ atOnce }) => atOnce)
        .map(({ path }) => `${path} changed`),
      ...(isDeepStrictEqual(before.routes, after.routes) ? [] : ['routes changed']),
      ...(before.log.level === after.log.level ? [] : [`log.level is ${after.log.level}`]),
      ...(before.log.file === after.log.file ? [] : ['log.file changed']),
      ...(before.log.audit.file === after.log.audit.file ? [] : ['log.audit.file changed']),
    ],
    needsRestart: [
      ...changedKeys(before.server, after.server)
        .filter(key => key !== 'name')
        .map(key => `server.${key}`),
      ...storeKeys(before, after)
        .filter(({ atOnce }) => !atOnce)
        .map(({ path }) => path),
      ...changedKeys(before.admin, after.admin).map(key => `admin.${key}`),
    ],
  };
}

function storeKeys(before: Config, after: Config): readonly { path: string; atOnce: boolean }[] {
  return Object.entries(after.stores).flatMap(([name, store]) =>
    changedKeys(before.stores[name] ?? {}, store).map(key => ({
      path: `stores.${name}.${key}`,
      atOnce: STORE_AT_ONCE.some(wanted => wanted === key),
    })),
  );
}

/** A listener is its address: the same one with other settings keeps its socket. */
function describeListeners(before: readonly ListenerConfig[], after: readonly ListenerConfig[]): string[] {
  const byAddress = (listeners: readonly ListenerConfig[]) =>
    Object.fromEntries(listeners.map(listener => [formatEndpoint(listener.address), listener]));
  return describeNamed('listener', byAddress(before), byAddress(after), { added: 'opened', removed: 'closed' });
}

function describeNamed(
  what: string,
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  words = { added: 'added', removed: 'removed' },
): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap(name => {
    if (!Object.hasOwn(before, name)) return [`${what} ${name} ${words.added}`];
    if (!Object.hasOwn(after, name)) return [`${what} ${name} ${words.removed}`];
    return isDeepStrictEqual(before[name], after[name]) ? [] : [`${what} ${name} changed`];
  });
}

function changedKeys(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter(key => !isDeepStrictEqual(before[key], after[key]));
}
