import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ServerState } from '../auth/directory.ts';
import { type Endpoint, formatEndpoint, formatServer, type ServerAddress } from '../config/address.ts';
import { listenOnPath } from '../net/unix-socket.ts';
import type { Logger } from './log.ts';

export interface Readiness {
  readonly ready: boolean;
  /** Why not; empty when ready. */
  readonly reasons: readonly string[];
}

/** What readiness is told from. */
export interface Condition {
  /** All listeners are open. */
  readonly listening: boolean;
  /** A SIGTERM was received. */
  readonly draining: boolean;
  readonly directories: readonly { readonly name: string; readonly servers: readonly ServerState[] }[];
}

/**
 * Whether new clients should be sent here. A directory counts as answering unless each of its servers failed at the last attempt: one
 * that was not asked yet must not keep a load balancer away, or it would never be asked.
 */
export function readinessOf({ listening, draining, directories }: Condition): Readiness {
  const reasons: string[] = [];
  if (draining) reasons.push('draining');
  else if (!listening) reasons.push('not listening');
  for (const { name, servers } of directories) {
    if (servers.length === 0 || servers.some(({ state }) => state !== 'down')) continue;
    const detail = servers.map(({ server, reason }) => (reason === undefined ? server : `${server}: ${reason}`));
    reasons.push(`no server of directory ${name} answers (${detail.join('; ')})`);
  }
  return { ready: reasons.length === 0, reasons };
}

export interface AdminHttpOptions {
  readonly readiness: () => Readiness;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly log: Logger;
}

export interface AdminHttp {
  /** Where it listens, with the port it got. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * `/health` (200 while the process lives), `/ready` (200 or 503 with the reasons), `/metrics` (Prometheus text). Read only, without
 * secrets, and without authentication: it belongs on loopback or a management network.
 * @throws when the address cannot be listened on
 */
export async function startAdminHttp(endpoint: Endpoint, options: AdminHttpOptions): Promise<AdminHttp> {
  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: 5000,
      requestTimeout: 10_000,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: 5000,
    },
    (request, response) => {
      // A body is of no use here; it must not stay unread on a connection that is kept.
      request.resume();
      void answer(request, response, options);
    },
  );
  server.maxHeadersCount = 50;
  server.maxConnections = 100;
  try {
    // A scraper may run as another user than the server; the socket's folder says who gets in.
    if ('path' in endpoint) await listenOnPath(server, endpoint.path, 0o666);
    else await listenOn(server, endpoint);
  } catch (error) {
    throw new Error(`admin.http: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  server.on('error', error => options.log.error({ err: error }, 'admin HTTP failed'));
  const bound = server.address();
  return {
    address:
      bound === null || typeof bound === 'string'
        ? formatEndpoint(endpoint)
        : formatEndpoint({ host: bound.address, port: bound.port }),
    async close() {
      const closed = new Promise<void>(done => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listenOn(server: Server, address: ServerAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: Error) =>
      reject(new Error(`cannot listen on ${formatServer(address)}: ${error.message}`, { cause: error }));
    server.once('error', refuse);
    server.listen(address.port, address.host, () => {
      server.off('error', refuse);
      resolve();
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, options: AdminHttpOptions): Promise<void> {
  const reply = (status: number, type: string, body: string) => {
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  const json = (status: number, value: object) => reply(status, 'application/json', `${JSON.stringify(value)}\n`);
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'GET or HEAD only' });
    switch (request.url?.split('?', 1)[0]) {
      case '/health':
        return json(200, { alive: true });
      case '/ready': {
        const readiness = options.readiness();
        return json(readiness.ready ? 200 : 503, readiness);
      }
      case '/metrics':
        return reply(200, options.metrics.contentType, await options.metrics.render());
      default:
        return json(404, { error: 'there are /health, /ready and /metrics' });
    }
  } catch (error) {
    options.log.error({ err: error, url: request.url }, 'admin HTTP request failed');
    if (!response.headersSent) json(500, { error: 'internal error' });
    else response.destroy();
  }
}
