import type { Credentials, SaslContext, SaslMechanism } from '../auth/sasl/mechanism.ts';
import { BrokenResponse } from '../imap/broken-response.ts';
import type { IdParameters } from '../imap/id.ts';
import { renderStatus } from '../imap/status.ts';
import { ConnectionLost } from '../net/channel.ts';
import { CHANNEL_BINDINGS, channelBinding } from '../net/channel-binding.ts';
import type { ClientConnection } from '../net/client-connection.ts';
import type { Logger } from '../observe/log.ts';
import type { Tracer } from '../observe/protocol-trace.ts';
import type { SessionEntry } from '../observe/session-registry.ts';
import { ClientInput } from './client-input.ts';
import { ClientOutput } from './client-output.ts';
import { CommandLoop } from './command-loop.ts';
import type { CommandSession, Completion, MailSession, SessionState } from './contract.ts';
import type { Admitted, AdmittedToRelay, AdmittedToStore } from './gate.ts';
import { literalsBeforeLogin, literalsOfCommands } from './literals.ts';
import { attemptLogin, discard, type LoginContext, tellInsecure } from './login-attempt.ts';
import type { Relay } from './relay.ts';
import { openRelay } from './relay-phase.ts';
import { ServedMail } from './served-mail.ts';
import type { SessionServices, Settings } from './services.ts';
import { turnToTls } from './starttls.ts';

/** How long a command may go on that is under way when its session is ended: most are answered at once, and then count. */
const FINISH_MS = 1000;

export interface SessionMode {
  /** Whether STARTTLS may be used; such a listener takes no password before it. */
  readonly startTls: boolean;
  /** Whether a password may be sent without TLS: `tls: none` listeners. */
  readonly clear: boolean;
}

/** One client, from the greeting to the end: before login, and then served from a store or joined with an upstream. */
export class Session implements CommandSession {
  readonly #connection: ClientConnection;
  readonly #services: SessionServices;
  readonly #mode: SessionMode;
  readonly #entry: SessionEntry;
  readonly #log: Logger;
  readonly #input: ClientInput;
  readonly #output: ClientOutput;
  #settings: Settings;
  #closing = false;
  #handshaking = false;
  /** Whether a command is under way. */
  #busy = false;
  /** To be told when the command that is under way has ended. */
  #farewell: string | undefined;
  #tracer: Tracer | undefined;
  #admitted: Admitted | undefined;
  #relay: Relay | undefined;
  #mail: ServedMail | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

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
    this.#output = new ClientOutput(connection, bytes => this.#noteSent(bytes));
    const { line, literal_before_login } = this.#settings.limits;
    this.#input = new ClientInput(
      { line, read: () => this.#read(), goAhead: () => this.#output.send('+ OK\r\n') },
      literalsBeforeLogin(literal_before_login, () => this.secure),
    );
    this.#openTrace('');
  }

  /** Resolves when the connection is closed. Never throws. */
  async run(): Promise<void> {
    const { sessions, metrics } = this.#services;
    const { authenticate } = this.#settings.limits;
    metrics.sessions.inc({ mode: 'greeting' });
    this.#deadline = setTimeout(() => {
      metrics.limitsHit.inc({ limit: 'authenticate' });
      this.#bye('Login took too long.');
    }, authenticate);
    try {
      await this.#greet();
      await this.#openLoop().run();
      // A session that was told BYE while its login was under way stays at that.
      if (this.#admitted?.mode === 'relay' && !this.#closing) await this.#join(this.#admitted);
    } catch (error) {
      this.#fail(error);
    } finally {
      clearTimeout(this.#deadline);
      clearTimeout(this.#idleTimer);
      const mode = this.#modeNow;
      if (mode === 'serve') this.#tellEnd({});
      this.#entry.phase = 'closing';
      await this.#release();
      await this.#connection.channel.close();
      this.#tracer?.end();
      sessions.close(this.#connection.id);
      metrics.sessions.dec({ mode });
    }
  }

  // What commands may ask of the session.

  get state(): SessionState {
    if (this.#closing) return 'closing';
    if (!this.#mail) return 'not-authenticated';
    return this.#mail.selection ? 'selected' : 'authenticated';
  }

  get mail(): MailSession {
    if (!this.#mail) throw new Error('no mailboxes are served in this state');
    return this.#mail;
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
    const bound = CHANNEL_BINDINGS.some(type => this.sasl.binding(type));
    const { mechanisms, mechanismsAt } = this.#settings;
    const here = mechanismsAt?.get(this.#connection.listener) ?? mechanisms;
    return here.filter(({ needs }) => needs !== 'channel-binding' || bound);
  }

  get sasl(): SaslContext {
    return {
      binding: type => channelBinding(this.#connection.channel.socket, type),
      plusOffered: name => this.mechanisms.some(mechanism => mechanism.name === name),
    };
  }

  capabilities(): string {
    return this.#services.registry.capabilities({
      serving: this.#mail !== undefined,
      secure: this.secure,
      startTlsPossible: this.startTlsPossible,
      mechanisms: this.mechanisms.map(({ name }) => name),
      upstreamLiterals: this.#settings.upstreamLiterals(),
    });
  }

  identify(client: IdParameters): void {
    const known = ['name', 'version', 'os'].map(key => client.get(key)).filter(value => value !== undefined);
    this.#entry.clientId = known.join(' ').slice(0, 128) || undefined;
  }

  async converse(challenge: string): Promise<string> {
    await this.#output.send(`+ ${challenge}\r\n`);
    return await this.#input.line();
  }

  async login(credentials: Credentials): Promise<Completion> {
    // Those who log in now are judged by what holds now, not by what held when they connected.
    this.#settings = this.#services.settings();
    const admitted = await attemptLogin(credentials, this.#loginContext());
    this.#admitted = admitted;
    clearTimeout(this.#deadline);
    this.#openTrace(admitted.principal.login);
    const text = 'Logged in.';
    if (admitted.mode === 'serve') {
      if (!this.#closing) this.#serve(admitted);
      return { status: 'OK', code: `CAPABILITY ${this.capabilities()}`, text, afterwards: 'serve' };
    }
    for (const alert of admitted.session.alerts) await this.#output.send(alert);
    return { status: 'OK', code: `CAPABILITY ${admitted.session.capabilities}`, text, afterwards: 'relay' };
  }

  // Before login.

  async #greet(): Promise<void> {
    const code = `CAPABILITY ${this.capabilities()}`;
    await this.#output.send(renderStatus('*', { status: 'OK', code, text: `${this.serverName} ready.` }));
  }

  #openLoop(): CommandLoop {
    const { registry, metrics } = this.#services;
    return new CommandLoop({
      session: this,
      input: this.#input,
      output: this.#output,
      registry,
      metrics,
      log: this.#log,
      settings: () => this.#settings,
      mail: () => this.#mail,
      beforeCommand: name => this.#beforeCommand(name),
      afterCommand: completion => this.#afterCommand(completion),
      end: text => this.#bye(text),
      startTls: (tag, completion) => this.#startTls(tag, completion),
    });
  }

  #beforeCommand(name: string): void {
    this.#busy = true;
    if (!this.secure && (name === 'LOGIN' || name === 'AUTHENTICATE')) tellInsecure(name, this.#loginContext());
  }

  #afterCommand({ afterwards }: Completion): void {
    this.#busy = false;
    if (afterwards === 'logout') this.#closing = true;
    else if (this.#farewell !== undefined) this.#bye(this.#farewell);
  }

  async #startTls(tag: string, completion: Completion): Promise<void> {
    const unread = this.#input.restart();
    this.#handshaking = true;
    try {
      await turnToTls(this.#output.send(renderStatus(tag, completion)), unread, this.#loginContext());
    } finally {
      this.#handshaking = false;
    }
  }

  // After login.

  #serve({ store }: AdmittedToStore): void {
    const { registry, metrics } = this.#services;
    const { literal, idle } = this.#settings.limits;
    this.#mail = new ServedMail({
      store,
      literalMost: literal,
      features: registry.features,
      entry: this.#entry,
      readLine: () => this.#input.line(),
    });
    this.#input.literals = literalsOfCommands(registry, literal);
    this.#output.gather();
    this.#connection.channel.socket.once('close', () => this.#mail?.abort(new ConnectionLost('the client left')));
    this.#idleTimer = setTimeout(() => {
      metrics.limitsHit.inc({ limit: 'idle' });
      this.#bye('Idle for too long.');
    }, idle).unref();
    this.#enter('serve');
  }

  async #join(admitted: AdmittedToRelay): Promise<void> {
    const { metrics } = this.#services;
    this.#enter('relay');
    this.#relay = openRelay(admitted, {
      connection: this.#connection,
      entry: this.#entry,
      metrics,
      tracer: this.#tracer,
      fromClient: this.#input.restart(),
    });
    const end = await this.#relay.run();
    const { upstream, server } = this.#entry;
    this.#tellEnd({ upstream, server, endedBy: end.by, error: end.error?.message });
  }

  #enter(mode: 'serve' | 'relay'): void {
    const { metrics } = this.#services;
    metrics.sessions.dec({ mode: this.#modeNow });
    this.#entry.phase = mode;
    metrics.sessions.inc({ mode });
  }

  /** As the metrics have it. */
  get #modeNow(): string {
    const { phase } = this.#entry;
    return phase === 'serve' || phase === 'relay' ? phase : 'greeting';
  }

  // Ends.

  /** A command that a served client has under way is answered first, unless that takes too long. */
  #kick(reason: string): void {
    if (this.#relay) this.#relay.kick(reason);
    else if (this.#mail && this.#busy && !this.#input.answering) {
      this.#farewell ??= reason;
      setTimeout(() => this.#bye(reason), FINISH_MS).unref();
    } else this.#bye(reason);
  }

  #bye(text: string): void {
    if (this.#closing) return;
    this.#closing = true;
    const { channel } = this.#connection;
    // Within a handshake there is no way to say anything, and within a literal it would become a part of a message.
    if (this.#handshaking || this.#output.unfinished) channel.destroy();
    else {
      this.#output.send(renderStatus('*', { status: 'BYE', code: 'UNAVAILABLE', text })).catch(() => {});
      void channel.close();
    }
    this.#mail?.abort(new ConnectionLost('the session was ended'));
  }

  #fail(error: unknown): void {
    if (error instanceof ConnectionLost) {
      this.#log.debug({ reason: error.message }, 'connection lost');
      return;
    }
    if (error instanceof BrokenResponse) {
      this.#log.error({ err: error }, 'a message could not be sent to its end');
      this.#connection.channel.destroy();
      return;
    }
    this.#services.metrics.bugs.inc();
    this.#log.error({ err: error }, 'a session failed unexpectedly');
    this.#bye('Internal error.');
  }

  #tellEnd(about: Readonly<Record<string, unknown>>): void {
    const { login, bytesIn, bytesOut } = this.#entry;
    const seconds = Math.round((Date.now() - this.#connection.since) / 1000);
    this.#log.info({ login, ...about, bytesIn, bytesOut, seconds }, 'session ended');
  }

  async #release(): Promise<void> {
    try {
      await this.#mail?.close();
      if (this.#admitted) await discard(this.#admitted);
    } catch (error) {
      this.#log.error({ err: error }, 'what a session had opened could not be closed');
    }
  }

  // Small parts.

  async #read(): Promise<Buffer | undefined> {
    const bytes = await this.#connection.channel.read();
    if (bytes) {
      this.#idleTimer?.refresh();
      if (this.#mail) this.#entry.bytesIn += bytes.length;
      this.#tracer?.client(bytes);
    }
    return bytes;
  }

  #noteSent(bytes: string | Buffer): void {
    // What is told to a client that only listens does not keep it logged in.
    if (!this.#input.answering) this.#idleTimer?.refresh();
    if (this.#mail) this.#entry.bytesOut += bytes.length;
    this.#tracer?.server(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  #openTrace(login: string): void {
    const { trace } = this.#services;
    const { id, client } = this.#connection;
    if (!this.#tracer && trace.wants(login, client.address)) {
      this.#tracer = trace.open({ id, login, address: client.address });
    }
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
