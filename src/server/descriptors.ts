import { readFileSync } from 'node:fs';

/** A relayed session has the client's socket and the upstream's. */
const PER_CONNECTION = 2;
/** Listeners, logs, LDAP pools, the runtime's own. */
const RESERVE = 200;

/**
 * How many descriptors are missing for the configured number of connections; 0 when they suffice or nobody can tell. Node has
 * raised the soft limit to the hard one by the time this is asked.
 */
export function missingDescriptors(connections: number, limits: () => string = readLimits): number {
  const allowed = /^Max open files\s+\S+\s+(\d+)/m.exec(limits())?.[1];
  return allowed === undefined ? 0 : Math.max(0, connections * PER_CONNECTION + RESERVE - Number(allowed));
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
