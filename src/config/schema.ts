import { hostname } from 'node:os';
import { z } from 'zod';
import { endpoint, LONGEST_SOCKET_PATH } from './address.ts';
import { authenticationSchema } from './authentication.ts';
import { directorySchema } from './directories.ts';
import type { FaultParams } from './fault.ts';
import { limitsSchema, listenerSchema } from './listeners.ts';
import { routeSchema } from './routes.ts';
import { DEFAULT_STORE, storeSchema } from './stores.ts';
import type { Surroundings } from './surroundings.ts';
import { upstreamSchema } from './upstreams.ts';
import { outsideValues } from './values.ts';

export type { Surroundings } from './surroundings.ts';

/**
 * The shape of the configuration file: every key, its type, default and description. Meaning across keys (a route that names
 * an upstream, a listener without a certificate) is checked in `rules/`; files and the environment are reached only through
 * `Surroundings`, so that the schema can be turned into a JSON Schema without touching anything.
 */
export function configSchema(around: Surroundings) {
  const parts = configParts(around);
  return z.strictObject({
    server: parts.server,
    log: parts.log,
    admin: parts.admin,
    listeners: z.array(parts.listener).min(1).describe('Where clients connect.'),
    tls: parts.tls,
    limits: parts.limits.prefault({}),
    directories: z
      .record(parts.directoryName, parts.directory)
      .describe('Who knows the users, by a name of your choice.'),
    authentication: parts.authentication,
    upstreams: z
      .record(z.string(), parts.upstream)
      .prefault({})
      .describe('IMAP servers to relay to, by a name of your choice.'),
    stores: z
      .record(z.string(), parts.store)
      .prefault({})
      .describe(`Where mail is kept that Postern serves itself. "${DEFAULT_STORE}" is there without being described.`)
      .transform(stores => (Object.hasOwn(stores, DEFAULT_STORE) ? stores : { ...stores, ...defaultStores() })),
    routes: z
      .array(parts.route)
      .min(1)
      .describe('Where users go: the first that matches decides; the last must be unconditional.'),
  });
}

/** The schema in pieces, so that what is right in a configuration can be checked further although other pieces are wrong. */
export function configParts(around: Surroundings) {
  const values = outsideValues(around);
  return {
    server: z
      .strictObject({
        // Not a default: the JSON Schema is the same on every machine.
        name: z
          .string()
          .min(1)
          .describe("Name in the greeting, SASL and ID; absent = the machine's host name.")
          .optional()
          .transform(name => name ?? hostname()),
        data: values
          .path('Directory for mail and state; one server works in it at a time.')
          .prefault('/var/lib/postern'),
        workers: z
          .union([z.literal('auto'), z.int().positive()])
          .default(1)
          .describe('Processes. This version runs one: write 1 or auto.'),
      })
      .describe('The server itself.')
      .prefault({}),
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error'])
          .default('info')
          .describe('Least important lines that are still written.'),
        file: values.path('File for JSON lines; absent = stdout. Reopened on SIGUSR1.').optional(),
        audit: z
          .strictObject({ file: values.path('File for the audit log; absent = with the log.').optional() })
          .describe('One line for each login.')
          .prefault({}),
      })
      .describe('Logs, as JSON lines.')
      .prefault({}),
    admin: z
      .strictObject({
        socket: values
          .path('Unix socket for postern sessions, reload, status.')
          .refine(path => Buffer.byteLength(path) <= LONGEST_SOCKET_PATH, {
            error: `the socket path is longer than ${LONGEST_SOCKET_PATH} bytes`,
            params: { mend: 'choose a shorter path, such as /run/postern/admin.sock' } satisfies FaultParams,
          })
          .prefault('/run/postern/admin.sock'),
        http: endpoint('Address of /health, /ready and /metrics; absent = none.').optional(),
      })
      .describe('How the running server is watched and told what to do.')
      .prefault({}),
    listener: listenerSchema,
    keyPair: values.keyPair,
    tls: z
      .strictObject({
        minimum: z.enum(['TLSv1.2', 'TLSv1.3']).default('TLSv1.2').describe('Oldest version spoken.'),
        certificates: z
          .array(values.keyPair)
          .prefault([])
          .describe('The first is the default, the others are chosen by SNI; reloaded when the files change.'),
      })
      .describe('TLS towards clients.')
      .prefault({}),
    limits: limitsSchema,
    directoryName: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'the name of a directory may hold letters, digits, - and _; rename it'),
    directory: directorySchema(values),
    authentication: authenticationSchema,
    upstream: upstreamSchema(values),
    store: storeSchema,
    route: routeSchema,
  };
}

function defaultStores() {
  return { [DEFAULT_STORE]: storeSchema.parse({}) };
}

export type Config = z.output<ReturnType<typeof configSchema>>;
export type ListenerConfig = Config['listeners'][number];
export type Limits = Config['limits'];
export type KeyPair = Config['tls']['certificates'][number];
export type DirectoryConfig = Config['directories'][string];
export type LdapConfig = Extract<DirectoryConfig, { kind: 'ldap' }>;
export type AdConfig = Extract<DirectoryConfig, { kind: 'ad' }>;
export type StaticConfig = Extract<DirectoryConfig, { kind: 'static' }>;
export type AuthenticationConfig = Config['authentication'];
export type ThrottleConfig = AuthenticationConfig['throttle'];
export type SuspicionConfig = AuthenticationConfig['suspicion'];
export type ShieldConfig = AuthenticationConfig['shield'];
export type UpstreamConfig = Config['upstreams'][string];
export type StoreConfig = Config['stores'][string];
export type RouteConfig = Config['routes'][number];
/** What every outgoing TLS connection (directory or upstream) is configured by. */
export type OutgoingTls = OutgoingTrust & Pick<UpstreamConfig, 'servers'>;
/** The same wherever the servers are found. */
export type OutgoingTrust = Pick<UpstreamConfig, 'tls' | 'ca' | 'pin' | 'server_name' | 'client_certificate'>;
