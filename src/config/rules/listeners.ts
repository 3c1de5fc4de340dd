import { isIP } from 'node:net';
import { type Endpoint, formatEndpoint, isLoopback } from '../address.ts';
import type { Rule } from '../draft.ts';
import type { Path } from '../problem.ts';

const certificatesForTls: Rule = (draft, report) => {
  if (draft.certificates.length > 0) return;
  const index = draft.listeners.findIndex(listener => listener !== undefined && listener.tls !== 'none');
  if (index === -1) return;
  report.error({
    path: ['listeners', index, 'tls'],
    message: 'this listener speaks TLS, and there is no certificate',
    mend: 'add tls: { certificates: [{ certificate: FILE, key: FILE }] }; "postern certs server NAME" makes one for tests',
  });
};

const plaintextOnLoopbackOnly: Rule = (draft, report) => {
  for (const [index, listener] of draft.listeners.entries()) {
    if (listener?.tls !== 'none' || listener.allow_plaintext) continue;
    if ('path' in listener.address || isLoopback(listener.address.host)) continue;
    report.error({
      path: ['listeners', index, 'tls'],
      message: `tls: none on ${formatEndpoint(listener.address)} would let passwords cross the network in clear`,
      mend: 'write tls: implicit or starttls, listen on loopback, or add allow_plaintext: true',
    });
  }
};

const distinctAddresses: Rule = (draft, report) => {
  const taken: { endpoint: Endpoint; who: string }[] = [];
  const take = (endpoint: Endpoint, who: string, path: Path) => {
    const other = taken.find(entry => collide(entry.endpoint, endpoint));
    if (other) {
      const message = `${formatEndpoint(endpoint)} is already taken by ${other.who} (${formatEndpoint(other.endpoint)})`;
      report.error({ path, message, mend: 'give each its own address or port; "[::]" takes IPv4 as well' });
    }
    taken.push({ endpoint, who });
  };
  for (const [index, listener] of draft.listeners.entries()) {
    if (listener) take(listener.address, `listeners[${index}]`, ['listeners', index, 'address']);
  }
  if (draft.adminHttp) take(draft.adminHttp, 'admin.http', ['admin', 'http']);
};

const distinctNames: Rule = (draft, report) => {
  const seen = new Set<string>();
  for (const [index, listener] of draft.listeners.entries()) {
    if (listener?.name === undefined) continue;
    if (seen.has(listener.name)) {
      report.error({
        path: ['listeners', index, 'name'],
        message: `another listener is named "${listener.name}"`,
        mend: 'give each listener a name of its own; routes and metrics tell them apart by it',
      });
    }
    seen.add(listener.name);
  }
};

const plaintextFlagOfUse: Rule = (draft, report) => {
  for (const [index, listener] of draft.listeners.entries()) {
    if (!listener?.allow_plaintext || listener.tls === 'none') continue;
    report.warning({
      path: ['listeners', index, 'allow_plaintext'],
      message: `allow_plaintext has no effect with tls: ${listener.tls}`,
      mend: 'remove it',
    });
  }
};

/** Port 0 is a new port each time. A wildcard takes the port from every address of its family, [::] from both families. */
function collide(a: Endpoint, b: Endpoint): boolean {
  if ('path' in a || 'path' in b) return 'path' in a && 'path' in b && a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host);
}

function covers(wildcard: string, host: string): boolean {
  return wildcard === '::' || (wildcard === '0.0.0.0' && isIP(host) !== 6);
}

export const listenerRules: readonly Rule[] = [
  certificatesForTls,
  plaintextOnLoopbackOnly,
  plaintextFlagOfUse,
  distinctAddresses,
  distinctNames,
];
