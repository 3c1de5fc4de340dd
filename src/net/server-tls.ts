import { randomBytes } from 'node:crypto';
import { createSecureContext, type SecureContext, type Server, type TlsOptions } from 'node:tls';
import type { Config } from '../config/schema.ts';
import type { Logger } from '../observe/log.ts';
import { DAY_MS, daysLeft, ExpiryWarnings } from './certificate-expiry.ts';
import { normaliseName } from './certificate-names.ts';
import { CertificateError, type CertificateFiles } from './certificate-pair.ts';
import { CertificateSource } from './server-tls-source.ts';

/** How often the files are looked at. `fs.watch` would miss the symlink swaps of certbot and Kubernetes. */
const POLL_MS = 10_000;

/** Ticket keys: 16 bytes of name, 16 of HMAC key, 16 of AES key, as OpenSSL wants them. */
const TICKET_KEY_BYTES = 48;

/** Seconds that a session may be resumed. Mail clients come back after minutes or hours; the keys live a day anyway. */
const SESSION_SECONDS = 43_200;

/** What is known of a certificate in use, for status and metrics. */
export interface CertificateState {
  /** Path of the certificate's file. */
  readonly file: string;
  /** DNS names and addresses. */
  readonly names: readonly string[];
  /** Common name of the issuer. */
  readonly issuer: string;
  readonly notAfter: Date;
  /** Whole days; negative once expired. */
  readonly daysLeft: number;
}

export interface ServerTlsOptions {
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /**
   * 48 bytes that encrypt session tickets, when several processes share them: their maker then rotates them, by
   * `setTicketKeys`. Absent = made here and renewed daily.
   */
  readonly ticketKeys?: Buffer;
}

/**
 * The certificates of all listeners: picks one by SNI, follows the files as they change, and keeps the servers it is
 * attached to up to date, without a restart and without touching open connections.
 */
export class ServerTls {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #warnings: ExpiryWarnings;
  readonly #ownsTicketKeys: boolean;
  readonly #servers = new Set<Server>();
  #minimum: Config['tls']['minimum'];
  #sources: readonly CertificateSource[];
  #ticketKeys: Buffer;
  #ticketKeysFrom: number;
  #warnedAt: number;
  #contexts: readonly SecureContext[] = [];
  #byName: ReadonlyMap<string, SecureContext> = new Map();
  #options: TlsOptions = {};
  #refreshing: Promise<'unchanged' | 'changed'> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws CertificateError when a pair is unreadable, damaged or does not belong together */
  static load(config: Config['tls'], options: ServerTlsOptions): ServerTls {
    return new ServerTls(config, options);
  }

  private constructor(config: Config['tls'], options: ServerTlsOptions) {
    this.#log = options.log;
    this.#now = options.now ?? Date.now;
    this.#warnings = new ExpiryWarnings(options.log);
    this.#ownsTicketKeys = options.ticketKeys === undefined;
    this.#ticketKeys = options.ticketKeys ?? randomBytes(TICKET_KEY_BYTES);
    this.#ticketKeysFrom = this.#now();
    this.#warnedAt = this.#now();
    this.#minimum = config.minimum;
    this.#sources = openSources(config.certificates);
    this.#apply();
  }

  /** The context for a name the client asked for: exact, then a wildcard for one label, else the first certificate's. */
  context(servername: string | undefined): SecureContext {
    const chosen = (servername === undefined ? undefined : this.#named(normaliseName(servername))) ?? this.#contexts[0];
    if (!chosen) throw new Error('no certificate is configured (tls.certificates)');
    return chosen;
  }

  /**
   * Options for `tls.createServer` (then `attach` it) or for one `new TLSSocket(socket, { isServer: true, ... })`. Ask anew
   * for every socket: they change with the certificates. A client that offers ALPN without `imap` is refused (RFC 7301 §3.2).
   */
  tlsOptions(): TlsOptions {
    return this.#options;
  }

  /** Keeps a server current: SNI is asked each time, but the context for clients without SNI must be set. */
  attach(server: Server): void {
    this.#servers.add(server);
    server.setSecureContext(this.#options);
  }

  detach(server: Server): void {
    this.#servers.delete(server);
  }

  /**
   * Looks at every file and takes up what changed. A pair that cannot be used leaves the old one in service, with an error in
   * the log once for each such version. Calls while one is under way share it.
   */
  refresh(): Promise<'unchanged' | 'changed'> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Takes up another configuration, all of it or nothing. @throws CertificateError, having changed nothing */
  replace(config: Config['tls']): void {
    this.#sources = openSources(config.certificates);
    this.#minimum = config.minimum;
    this.#apply();
  }

  /** New ticket keys (48 bytes) for sessions from now on; older tickets cost their holders a full handshake. */
  setTicketKeys(keys: Buffer): void {
    this.#ticketKeys = keys;
    this.#ticketKeysFrom = this.#now();
    this.#apply();
  }

  /** Begins to look after the files, expiry and ticket keys every 10 s. Keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => this.#tick(), POLL_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  certificates(): CertificateState[] {
    const now = this.#now();
    return this.#sources.map(({ pair }) => ({
      file: pair.files.certificate,
      names: pair.shownNames,
      issuer: pair.issuer,
      notAfter: pair.notAfter,
      daysLeft: daysLeft(pair.notAfter, now),
    }));
  }

  #named(name: string): SecureContext | undefined {
    return this.#byName.get(name) ?? this.#byName.get(name.replace(/^[^.]+/, '*'));
  }

  async #refresh(): Promise<'unchanged' | 'changed'> {
    const sources = this.#sources;
    const stamps = await Promise.all(sources.map(source => source.look()));
    // A reload came in between: it has read the files itself.
    if (sources !== this.#sources) return 'changed';
    const changed = sources.filter((source, index) => source.adopt(stamps[index] ?? '', this.#log));
    if (changed.length === 0) return 'unchanged';
    this.#apply();
    return 'changed';
  }

  #tick(): void {
    const now = this.#now();
    if (this.#ownsTicketKeys && now - this.#ticketKeysFrom >= DAY_MS) {
      this.setTicketKeys(randomBytes(TICKET_KEY_BYTES));
    }
    if (now - this.#warnedAt >= DAY_MS) this.#warn();
    this.refresh().catch((error: unknown) => this.#log.error({ err: error }, 'looking after the certificates failed'));
  }

  #warn(): void {
    this.#warnedAt = this.#now();
    this.#warnings.check(
      this.#sources.map(source => source.pair),
      this.#warnedAt,
    );
  }

  /** Makes the contexts of what is loaded now, and hands them to the servers. */
  #apply(): void {
    const shared = {
      minVersion: this.#minimum,
      // Said, because Node's own is a hash of the command line, for servers only: sessions would not be resumed
      // by another kind of process, nor after STARTTLS.
      sessionIdContext: 'postern',
      ticketKeys: this.#ticketKeys,
      sessionTimeout: SESSION_SECONDS,
      honorCipherOrder: true,
    };
    const pairs = this.#sources.map(source => source.pair);
    this.#contexts = pairs.map(pair => createSecureContext({ ...shared, cert: pair.certificate, key: pair.key }));
    const byName = new Map<string, SecureContext>();
    for (const [index, context] of this.#contexts.entries()) {
      for (const name of pairs[index]?.names ?? []) if (!byName.has(name)) byName.set(name, context);
    }
    this.#byName = byName;
    const [first] = pairs;
    const [secureContext] = this.#contexts;
    this.#options = {
      ...shared,
      ...(first ? { cert: first.certificate, key: first.key } : {}),
      ...(secureContext ? { secureContext } : {}),
      ALPNProtocols: ['imap'],
      SNICallback: (servername, done) => {
        try {
          done(null, this.context(servername));
        } catch (error) {
          done(error instanceof Error ? error : new Error(String(error)));
        }
      },
    };
    for (const server of this.#servers) server.setSecureContext(this.#options);
    this.#warn();
  }
}

/** @throws CertificateError naming every pair that cannot be used */
function openSources(pairs: readonly CertificateFiles[]): CertificateSource[] {
  const sources: CertificateSource[] = [];
  const problems: CertificateError[] = [];
  for (const files of pairs) {
    try {
      sources.push(new CertificateSource({ certificate: files.certificate, key: files.key }));
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...others] = problems;
  if (!first) return sources;
  throw new CertificateError(first.file, [first.reason, ...others.map(other => other.message)].join('; '));
}
