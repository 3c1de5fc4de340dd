import type { ServerState } from '../auth/directory.ts';
import type { ServerTls } from '../net/server-tls.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Composition } from './composition.ts';

/** Shows what is only known when it is asked for: servers that answer, certificates that expire. */
export function updateGauges(
  { serverUp, certificateExpirySeconds }: Pick<Metrics, 'serverUp' | 'certificateExpirySeconds'>,
  { directories, upstreams }: Pick<Composition, 'directories' | 'upstreams'>,
  certificates: ReturnType<ServerTls['certificates']>,
): void {
  serverUp.reset();
  for (const [kind, group] of [
    ['directory', directories],
    ['upstream', upstreams],
  ] as const) {
    for (const { name, servers } of namedServers(group)) {
      for (const { server, state } of servers) serverUp.set({ kind, name, server }, state === 'down' ? 0 : 1);
    }
  }
  certificateExpirySeconds.reset();
  for (const { names, notAfter } of certificates) {
    certificateExpirySeconds.set({ names: names.join() }, Math.round((notAfter.getTime() - Date.now()) / 1000));
  }
}

/** Directories or upstreams with the state of their servers. */
export function namedServers(group: ReadonlyMap<string, { thing: { servers(): readonly ServerState[] } }>) {
  return [...group].map(([name, { thing }]) => ({ name, servers: [...thing.servers()] }));
}
