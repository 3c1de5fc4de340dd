import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Why a connection was turned away before it could say anything of use. */
export type RefusedReason = 'connections' | 'per_address' | 'per_login' | 'proxy' | 'handshake' | 'throttle' | 'drain';

/** What can be counted, timed and shown. Labels take values from the configuration and from closed lists only, never from users. */
export interface Metrics {
  /** Connections accepted, by listener. */
  readonly connections: Counter<'listener'>;
  /** Connections open now, by listener. */
  readonly connectionsOpen: Gauge<'listener'>;
  /** By `RefusedReason`. */
  readonly connectionsRefused: Counter<'reason'>;
  /** TLS handshakes completed: version "TLSv1.3", resumed "true" or "false". */
  readonly handshakes: Counter<'version' | 'resumed'>;
  /** By `HandshakeFailure`. */
  readonly handshakeFailures: Counter<'reason'>;
  /** Login attempts ended: outcome of `LoginOutcome`, mechanism, directory ("" when none decided). */
  readonly logins: Counter<'outcome' | 'mechanism' | 'directory'>;
  /** Seconds from a complete login command to its answer, by outcome. */
  readonly loginSeconds: Histogram<'outcome'>;
  /** Seconds since a directory proved what let somebody in without asking it: proof "cache", or "outage" while none answered. */
  readonly trustedAge: Histogram<'proof'>;
  /** Sessions now: mode "greeting" (not logged in), "relay" or "serve". */
  readonly sessions: Gauge<'mode'>;
  /** Direction "in" (client to upstream) or "out". */
  readonly relayBytes: Counter<'direction' | 'upstream'>;
  /** Outcome "ok", "refused", "unavailable", "untrusted". */
  readonly upstreamLogins: Counter<'upstream' | 'outcome'>;
  /** 1 up, 0 down; kind "directory" or "upstream". Set it from `beforeRender`, after `reset()`. */
  readonly serverUp: Gauge<'kind' | 'name' | 'server'>;
  /** Seconds from asking the index to its answer, threads' queues included; operation is a method of the port, outcome "ok" or the error's kind. */
  readonly indexSeconds: Histogram<'operation' | 'outcome'>;
  /** Accounts held open by the store. Set it from `beforeRender`. */
  readonly accountsOpen: Gauge;
  /** Octets left in the file system of the data folder, and whether it can be written. Set them from `beforeRender`. */
  readonly dataFreeBytes: Gauge;
  readonly dataWritable: Gauge;
  /** Contents of messages: operation "put", "read" or "delete" (swept, or of an append that failed). */
  readonly blobs: Counter<'operation'>;
  /** Octets of content put and read. */
  readonly blobBytes: Counter<'operation'>;
  /** Copies of indexes made while serving: outcome "ok" or "failed". */
  readonly snapshots: Counter<'outcome'>;
  /** By the limit's key in the configuration ("per_login", "line" ...). */
  readonly limitsHit: Counter<'limit'>;
  /** Seconds until the certificate expires; names joined by ",". Set it from `beforeRender`, after `reset()`. */
  readonly certificateExpirySeconds: Gauge<'names'>;
  /** Outcome "ok" or "refused". */
  readonly configReloads: Counter<'outcome'>;
  readonly starttlsInjections: Counter;
  readonly badCommands: Counter;
  readonly logLost: Counter;
  /** Errors that nobody expected; the log has their stacks. */
  readonly bugs: Counter;
  readonly contentType: string;
  /** Calls `update` before every rendering, for what is known elsewhere and only read here. */
  beforeRender(update: () => void): void;
  render(): Promise<string>;
}

/** Reaches from a cached login (under a millisecond) to a directory that times out. */
const LOGIN_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Reaches from a second to a month. */
const TRUSTED_SECONDS = [1, 10, 60, 300, 900, 3600, 14_400, 86_400, 604_800, 2_592_000];

/** Reaches from a thread that answers at once to a search of a large mailbox. */
const INDEX_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** Left out of the process's metrics: they walk over every open socket at each scrape. */
const COSTLY = [
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'process_open_fds',
];

/**
 * Metrics in a registry of their own. `postern_*` is ours; `process_*` and `nodejs_*` (memory, CPU, event loop lag, garbage
 * collection) are the usual ones.
 */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  // Precision: the monitor wakes the process as often as it measures, also when idle.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 50 });
  for (const name of COSTLY) registry.removeSingleMetric(name);

  const counter = <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    new Gauge({ name, help, labelNames, registers });
  const updates: (() => void)[] = [];

  const metrics: Metrics = {
    connections: counter('postern_connections_total', 'Connections accepted.', 'listener'),
    connectionsOpen: gauge('postern_connections_open', 'Connections open now.', 'listener'),
    connectionsRefused: counter(
      'postern_connections_refused_total',
      'Connections turned away: by a limit (connections, per_address, per_login), by a wrong or missing PROXY header, by a failed or slow handshake, by throttling, or while draining.',
      'reason',
    ),
    handshakes: counter(
      'postern_tls_handshakes_total',
      'TLS handshakes completed. Resumed ones cost a fraction.',
      'version',
      'resumed',
    ),
    handshakeFailures: counter('postern_tls_handshake_failures_total', 'TLS handshakes that failed.', 'reason'),
    logins: counter(
      'postern_logins_total',
      'Login attempts by outcome; the audit log has each of them.',
      'outcome',
      'mechanism',
      'directory',
    ),
    loginSeconds: new Histogram({
      name: 'postern_login_seconds',
      help: 'Time from a complete login command to its answer, directory and mail server included. Refusals are held back on purpose.',
      labelNames: ['outcome'],
      buckets: LOGIN_SECONDS,
      registers,
    }),
    trustedAge: new Histogram({
      name: 'postern_trusted_age_seconds',
      help: 'Age of the proof by which a login was let in without asking a directory (cache), or while none answered (outage).',
      labelNames: ['proof'],
      buckets: TRUSTED_SECONDS,
      registers,
    }),
    sessions: gauge(
      'postern_sessions',
      'Sessions now: not logged in (greeting), joined to a mail server (relay) or served from a store (serve).',
      'mode',
    ),
    relayBytes: counter(
      'postern_relay_bytes_total',
      'Bytes relayed to (in) and from (out) mail servers, TLS not counted.',
      'direction',
      'upstream',
    ),
    upstreamLogins: counter(
      'postern_upstream_logins_total',
      'Logins at mail servers. "refused" means that the mail server rejects a password which the directory takes.',
      'upstream',
      'outcome',
    ),
    serverUp: gauge(
      'postern_server_up',
      'Whether a server of a directory or upstream answered last time (1) or is being passed over (0).',
      'kind',
      'name',
      'server',
    ),
    indexSeconds: new Histogram({
      name: 'postern_index_seconds',
      help: 'Time from asking the index of an account to its answer, the wait for its thread included.',
      labelNames: ['operation', 'outcome'],
      buckets: INDEX_SECONDS,
      registers,
    }),
    accountsOpen: gauge('postern_accounts_open', 'Accounts that the store holds open, those nobody uses among them.'),
    dataFreeBytes: gauge('postern_data_free_bytes', 'Octets left in the file system of server.data.'),
    dataWritable: gauge(
      'postern_data_writable',
      'Whether server.data can be written (1) or mail can only be read (0); without a route to a store always 0.',
    ),
    blobs: counter(
      'postern_blobs_total',
      'Contents of messages written (put), read, and deleted to free their space.',
      'operation',
    ),
    blobBytes: counter('postern_blob_bytes_total', 'Octets of messages written (put) and read.', 'operation'),
    snapshots: counter(
      'postern_snapshots_total',
      'Copies of indexes made while serving, for postern repair.',
      'outcome',
    ),
    limitsHit: counter('postern_limits_hit_total', 'Times a limit of the configuration took effect.', 'limit'),
    certificateExpirySeconds: gauge(
      'postern_certificate_expiry_seconds',
      'Seconds until a server certificate expires; negative when it has.',
      'names',
    ),
    configReloads: counter('postern_config_reloads_total', 'Reloads of the configuration.', 'outcome'),
    starttlsInjections: counter(
      'postern_starttls_injections_total',
      'Bytes sent in clear behind STARTTLS and discarded: an attack, or a badly broken client.',
    ),
    badCommands: counter('postern_bad_commands_total', 'Malformed commands answered BAD.'),
    bugs: counter('postern_bugs_total', 'Unexpected errors, each with its stack in the log. Please report them.'),
    logLost: counter('postern_log_lines_lost_total', 'Log lines lost because the disk is full or nobody reads them.'),
    contentType: registry.contentType,
    beforeRender(update) {
      updates.push(update);
    },
    async render() {
      for (const update of updates) update();
      return registry.metrics();
    },
  };
  return metrics;
}
