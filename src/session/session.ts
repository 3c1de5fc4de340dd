import type { PasswordCredentials, SaslMechanism } from '../auth/sasl/mechanism.ts';
import type { IdParameters } from '../imap/id.ts';
import { renderStatus, type Status, statusOf } from '../imap/status.ts';
import { MailError } from '../mail/mail-error.ts';
import { ConnectionLost } from '../net/channel.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import type { Logger } from '../observe/log.ts';
import type { Tracer } from '../observe/protocol-trace.ts';
import type { SessionEntry } from '../observe/session-registry.ts';
import type { LiteralHead } from '../wire/framer.ts';
import { Input, type LiteralDecision, type Unit } from '../wire/input.ts';
import { Malformed } from '../wire/malformed.ts';
import { Scanner } from '../wire/scanner.ts';
import type { CommandSession, Completion, MailSession, SessionState } from './contract.ts';
import type { Admitted, AdmittedToRelay } from './gate.ts';
import { attemptLogin, discard, type LoginContext, tellInsecure } from './login-attempt.ts';
import { Relay } from './relay.ts';
import type { SessionServices, Settings } from './services.ts';
import { turnToTls } from './starttls.ts';

/** Literals in one command before login: LOGIN has two. Each adds two segments. */
const SEGMENTS_BEFORE_LOGIN = 2 * 2 + 1;
/** More than this still to come of a refused command, and hanging up is kinder than reading it. */
const SKIP_BEFORE_LOGIN = 1024 * 1024;
const NAME = /^[^\s]+ (LOGIN|AUTHENTICATE) /i;
/** The tag of a command that nobody will parse: ASTRING-CHAR except "+" (RFC 9051 §9). Anything else would be sent back as it came. */
const REFUSED_TAG = /^[^\x00-\x20\x7f-\xff(){"%*\\+]+(?= )/;

export interface SessionMode {
  /** Whether STARTTLS may be used; such a listener takes no password before it. */
  readonly startTls: boolean;
  /** Whether a password may be sent without TLS: `tls: none` listeners. */
  readonly clear: boolean;
}

/** One client, from the greeting to the end: the command loop, and after login the relay. */
export class Session implements CommandSession {
  readonly #connection: ClientConnection;
  readonly #services: SessionServices;
  readonly #mode: SessionMode;
  readonly #entry: SessionEntry;
  readonly #log: Logger;
  #settings: Settings;
  #input: Input;
  #state: SessionState = 'not-authenticated';
  #conversing = false;
  #handshaking = false;
  #badCommands = 0;
  #tracer: Tracer | undefined;
  #admitted: Admitted | undefined;
  #relay: Relay | undefined;

  constructor(connection: ClientConnection, mode: SessionMode, services: SessionServices) {
    this.#connection = connection;
    this.#services = services;
    this.#mode = mode;
    this.#settings = services.settings();
    this.#log = services.log.child({ session: connection.id });
    this.#entry = services.sessions.open({
      id: connection.id,
      listener: connection.listener,
      address: connection.client.address,
      port: connection.client.port,
      since: connection.since,
      secure: connection.tls?.version ?? null,
      phase: 'login',
      kick: reason => this.#kick(reason),
    });
    this.#input = this.#openInput();
    this.#openTrace('');
  }

  /** Resolves when the connection is closed. Never throws. */
  async run(): Promise<void> {
    const { sessions, metrics } = this.#services;
    const { authenticate } = this.#settings.limits;
    const mode = { mode: 'greeting' };
    metrics.sessions.inc(mode);
    const deadline = setTimeout(() => {
      metrics.limitsHit.inc({ limit: 'authenticate' });
      this.#bye('Login took too long.');
    }, authenticate);
    try {
      await this.#converseUntilLogin();
      clearTimeout(deadline);
      // A session that was told BYE while its login was under way stays at that.
      if (this.#admitted?.mode === 'relay' && this.#state !== 'closing') {
        metrics.sessions.dec(mode);
        mode.mode = 'relay';
        metrics.sessions.inc(mode);
        await this.#join(this.#admitted);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(deadline);
      this.#entry.phase = 'closing';
      if (this.#admitted) await discard(this.#admitted);
      await this.#connection.channel.close();
      this.#tracer?.end();
      sessions.close(this.#connection.id);
      metrics.sessions.dec(mode);
    }
  }

  // What commands may ask of the session.

  get state(): SessionState {
    return this.#state;
  }

  get mail(): MailSession {
    throw new Error('no mailboxes are served in this state');
  }

  get serverName(): string {
    return this.#settings.serverName;
  }

  get secure(): boolean {
    return this.#connection.tls !== undefined || this.#mode.clear;
  }

  get startTlsPossible(): boolean {
    return this.#mode.startTls && this.#connection.tls === undefined;
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.#settings.mechanisms;
  }

  capabilities(): string {
    return this.#services.registry.capabilities({
      serving: false,
      secure: this.secure,
      startTlsPossible: this.startTlsPossible,
      mechanisms: this.#settings.mechanisms.map(({ name }) => name),
      upstreamLiterals: this.#settings.upstreamLiterals(),
    });
  }

  identify(client: IdParameters): void {
    const known = ['name', 'version', 'os'].map(key => client.get(key)).filter(value => value !== undefined);
    this.#entry.clientId = known.join(' ').slice(0, 128) || undefined;
  }

  async converse(challenge: string): Promise<string> {
    await this.#send(`+ ${challenge}\r\n`);
    this.#conversing = true;
    try {
      const unit = await this.#input.next();
      if (unit.kind === 'end') throw new ConnectionLost('the client left during AUTHENTICATE');
      if (unit.kind !== 'whole') throw new Malformed('the response is too long');
      return new Scanner(unit.segments).restOfLine();
    } finally {
      this.#conversing = false;
    }
  }

  async login(credentials: PasswordCredentials): Promise<Completion> {
    // Those who log in now are judged by what holds now, not by what held when they connected.
    this.#settings = this.#services.settings();
    const admitted = await attemptLogin(credentials, this.#loginContext());
    this.#admitted = admitted;
    this.#openTrace(admitted.principal.login);
    if (admitted.mode === 'serve') throw new Error('serving is not built yet');
    for (const alert of admitted.session.alerts) await this.#send(alert);
    return {
      status: 'OK',
      code: `CAPABILITY ${admitted.session.capabilities}`,
      text: 'Logged in.',
      afterwards: 'relay',
    };
  }

  // The command loop.

  async #converseUntilLogin(): Promise<void> {
    const greeting = {
      status: 'OK',
      code: `CAPABILITY ${this.capabilities()}`,
      text: `${this.serverName} ready.`,
    } as const;
    await this.#send(renderStatus('*', greeting));
    while (this.#state !== 'closing') {
      const unit = await this.#input.next();
      if (unit.kind === 'end') return;
      if (unit.kind === 'whole') await this.#execute(unit.segments);
      else await this.#refuse(unit);
      if (this.#admitted) return;
    }
  }

  async #execute(segments: readonly Buffer[]): Promise<void> {
    const scanner = new Scanner(segments, this.#settings.limits.nesting);
    let tag = '*';
    let completion: Completion;
    try {
      tag = readTag(scanner);
      completion = await this.#run(scanner);
    } catch (error) {
      completion = this.#answer(error);
    }
    if (this.#state === 'closing') return;
    if (completion.afterwards === 'starttls') {
      await this.#startTls(tag, completion);
      return;
    }
    await this.#send(renderStatus(tag, completion));
    if (completion.afterwards === 'logout') this.#state = 'closing';
    if (completion.status === 'BAD') this.#countBadCommand();
  }

  async #run(scanner: Scanner): Promise<Completion> {
    const name = scanner.atom('a command').toUpperCase();
    const command = this.#services.registry.command(name);
    if (!command?.states.includes(this.#state)) {
      return { status: 'BAD', text: command ? `${name} is not possible now.` : 'Unknown command.' };
    }
    if (!this.secure && (name === 'LOGIN' || name === 'AUTHENTICATE')) tellInsecure(name, this.#loginContext());
    const running = command.prepare(scanner)(this);
    if (running instanceof Promise) return await running;
    for (;;) {
      const { done, value } = await running.next();
      if (done) return value;
      await this.#send(typeof value === 'object' && 'unfinished' in value ? value.unfinished : value);
    }
  }

  /** A command beyond the limits, answered before its bytes have come. */
  async #refuse(unit: Extract<Unit, { kind: 'refused' | 'partial' }>): Promise<void> {
    const first = unit.kind === 'refused' ? unit.start : (unit.segments[0] ?? Buffer.alloc(0));
    const reason = unit.kind === 'refused' ? unit.reason : 'literal-too-big';
    this.#services.metrics.limitsHit.inc({ limit: reason === 'line-too-long' ? 'line' : 'literal_before_login' });
    const text = first.toString('latin1');
    const [tag = '*'] = REFUSED_TAG.exec(text) ?? [];
    const status: Status =
      !this.secure && NAME.test(text)
        ? statusOf(new MailError('privacy-required', 'a literal without TLS'))
        : {
            status: 'BAD',
            code: 'TOOBIG',
            text: reason === 'line-too-long' ? 'The line is too long.' : 'The literal is too big.',
          };
    await this.#send(renderStatus(tag, status));
    if (unit.kind === 'refused' && unit.pending > SKIP_BEFORE_LOGIN) this.#bye('Too much to skip.');
    else this.#countBadCommand();
  }

  #answer(error: unknown): Status {
    if (error instanceof MailError) return statusOf(error);
    if (error instanceof Malformed) return { status: 'BAD', text: `Syntax error: ${error.message}.` };
    if (error instanceof ConnectionLost) throw error;
    this.#services.metrics.bugs.inc();
    this.#log.error({ err: error }, 'a command failed unexpectedly');
    return { status: 'NO', code: 'SERVERBUG', text: 'Internal error.' };
  }

  #countBadCommand(): void {
    this.#services.metrics.badCommands.inc();
    this.#badCommands += 1;
    if (this.#badCommands < this.#settings.limits.bad_commands) return;
    this.#services.metrics.limitsHit.inc({ limit: 'bad_commands' });
    this.#bye('Too many bad commands.');
  }

  async #startTls(tag: string, completion: Completion): Promise<void> {
    const unread = this.#input.takeRest();
    this.#handshaking = true;
    try {
      await turnToTls(this.#send(renderStatus(tag, completion)), unread, this.#loginContext());
    } finally {
      this.#handshaking = false;
    }
    this.#input = this.#openInput();
  }

  // After the login.

  async #join({ principal, upstream, session }: AdmittedToRelay): Promise<void> {
    const { metrics } = this.#services;
    const { channel } = this.#connection;
    const entry = this.#entry;
    entry.phase = 'relay';
    entry.upstream = upstream;
    entry.server = session.server;
    const bytesIn = metrics.relayBytes.labels({ direction: 'in', upstream });
    const bytesOut = metrics.relayBytes.labels({ direction: 'out', upstream });
    const relay = new Relay({
      client: channel,
      upstream: session.channel,
      fromClient: this.#input.takeRest(),
      fromUpstream: session.rest,
      onClientBytes: bytes => {
        entry.bytesIn += bytes.length;
        bytesIn.inc(bytes.length);
        this.#tracer?.client(bytes);
      },
      onServerBytes: bytes => {
        entry.bytesOut += bytes.length;
        bytesOut.inc(bytes.length);
        this.#tracer?.server(bytes);
      },
    });
    this.#relay = relay;
    const end = await relay.run();
    const seconds = Math.round((Date.now() - this.#connection.since) / 1000);
    const about = {
      login: principal.login,
      upstream,
      server: session.server,
      bytesIn: entry.bytesIn,
      bytesOut: entry.bytesOut,
    };
    this.#log.info({ ...about, seconds, endedBy: end.by, error: end.error?.message }, 'session ended');
  }

  // Ends.

  #kick(reason: string): void {
    if (this.#relay) this.#relay.kick(reason);
    else this.#bye(reason);
  }

  #bye(text: string): void {
    if (this.#state === 'closing') return;
    this.#state = 'closing';
    const { channel } = this.#connection;
    // Within a handshake there is no way to say anything.
    if (this.#handshaking) {
      channel.destroy();
      return;
    }
    this.#send(renderStatus('*', { status: 'BYE', code: 'UNAVAILABLE', text })).catch(() => {});
    void channel.close();
  }

  #fail(error: unknown): void {
    if (error instanceof ConnectionLost) {
      this.#log.debug({ reason: error.message }, 'connection lost');
      return;
    }
    this.#services.metrics.bugs.inc();
    this.#log.error({ err: error }, 'a session failed unexpectedly');
    this.#bye('Internal error.');
  }

  // Small parts.

  #openInput(): Input {
    const { channel } = this.#connection;
    const source = {
      read: async () => {
        const bytes = await channel.read();
        if (bytes) this.#tracer?.client(bytes);
        return bytes;
      },
    };
    return new Input(source, {
      line: this.#settings.limits.line,
      decide: (segments, literal) => this.#decideLiteral(segments, literal),
      goAhead: () => this.#send('+ OK\r\n'),
    });
  }

  #decideLiteral(segments: readonly Buffer[], { size }: LiteralHead): LiteralDecision {
    const fits = size <= this.#settings.limits.literal_before_login && segments.length < SEGMENTS_BEFORE_LOGIN;
    // Without TLS a password is not asked for, whatever the client means to send.
    return fits && this.secure && !this.#conversing ? 'buffer' : 'refuse';
  }

  #openTrace(login: string): void {
    const { trace } = this.#services;
    const { id, client } = this.#connection;
    if (!this.#tracer && trace.wants(login, client.address)) {
      this.#tracer = trace.open({ id, login, address: client.address });
    }
  }

  #send(bytes: string | Buffer): Promise<void> {
    this.#tracer?.server(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
    return this.#connection.channel.write(bytes);
  }

  #loginContext(): LoginContext {
    return {
      connection: this.#connection,
      entry: this.#entry,
      settings: this.#settings,
      services: this.#services,
      log: this.#log,
    };
  }
}

/** The tag, and the space behind it. @throws Malformed */
function readTag(scanner: Scanner): string {
  const tag = scanner.tag();
  scanner.space();
  return tag;
}
