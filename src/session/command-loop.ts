import { setImmediate as turn } from 'node:timers/promises';
import type { AnyCommand, Piece } from '../commands/command.ts';
import type { Registry } from '../extensions/registry.ts';
import { BrokenResponse } from '../imap/broken-response.ts';
import { renderStatus, type Status, statusOf } from '../imap/status.ts';
import { MailError } from '../mail/mail-error.ts';
import { ConnectionLost } from '../net/channel.ts';
import type { Logger } from '../observe/log.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Unit } from '../wire/input.ts';
import { Malformed } from '../wire/malformed.ts';
import { Scanner } from '../wire/scanner.ts';
import type { ClientInput } from './client-input.ts';
import type { ClientOutput } from './client-output.ts';
import type { CommandSession, Completion } from './contract.ts';
import { LiteralUpload } from './literal-upload.ts';
import type { ServedMail } from './served-mail.ts';
import type { Settings } from './services.ts';

/** Commands of one client after which others have their turn: what it sends at once is read without ever waiting. */
const TURN = 100;
/** More than this still to come of a refused command, and hanging up is kinder than reading it. */
const SKIP_BEFORE_LOGIN = 1024 * 1024;
/** After login: who sends a message that is too big, without waiting for a go-ahead, is to learn why it is refused. */
const SKIP_LOGGED_IN = 1024 * 1024 * 1024;
const BEGINNING = /^[^\s]+ ([^\s]+)(?= )/;
/** The tag of a command that nobody will parse: ASTRING-CHAR except "+" (RFC 9051 §9). Anything else would be sent back as it came. */
const REFUSED_TAG = /^[^\x00-\x20\x7f-\xff(){"%*\\+]+(?= )/;
/** Failures that are no fault of the client's: it is told little, the log has the rest. */
const TROUBLES: ReadonlySet<string> = new Set(['damaged', 'unavailable', 'no-space']);

/** What the loop needs of the session around it. */
export interface LoopHost {
  readonly session: CommandSession;
  readonly input: ClientInput;
  readonly output: ClientOutput;
  readonly registry: Registry;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly settings: () => Settings;
  /** The served mailboxes, after login. */
  readonly mail: () => ServedMail | undefined;
  /** Before each command is executed: LOGIN without TLS is told to the audit log, say. */
  readonly beforeCommand: (name: string) => void;
  /** After a command and its answer. */
  readonly afterCommand: (completion: Completion) => void;
  /** Says BYE and ends the session, or cuts the connection where nothing can be said. */
  readonly end: (text: string) => void;
  readonly startTls: (tag: string, completion: Completion) => Promise<void>;
}

/** Reads commands, executes them one by one, and answers: before login and, where mailboxes are served, after it. */
export class CommandLoop {
  readonly #host: LoopHost;
  /** Before login in all; after it in a row. */
  #badCommands = 0;

  constructor(host: LoopHost) {
    this.#host = host;
  }

  /** Until the session closes, the client leaves, or a login leads elsewhere. @throws ConnectionLost */
  async run(): Promise<void> {
    for (let count = 1; this.#host.session.state !== 'closing'; count += 1) {
      if (count % TURN === 0) await turn();
      const unit = await this.#host.input.next();
      if (unit.kind === 'end') return;
      let completion: Completion | undefined;
      if (unit.kind === 'refused') await this.#refuse(unit);
      else completion = await this.#execute(unit);
      if (completion?.afterwards === 'relay') return;
      if (completion?.afterwards === 'serve') this.#badCommands = 0;
    }
  }

  async #execute(unit: Extract<Unit, { kind: 'whole' | 'partial' }>): Promise<Completion> {
    const { session, settings } = this.#host;
    const scanner = new Scanner(unit.segments, settings().limits.nesting);
    let tag = '*';
    let completion: Completion;
    try {
      tag = readTag(scanner);
      completion = await this.#run(scanner, unit);
    } catch (error) {
      completion = this.#answer(error);
    }
    if (this.#closing) return completion;
    if (completion.afterwards === 'starttls') {
      await this.#host.startTls(tag, completion);
      return completion;
    }
    await this.#send(renderStatus(tag, completion));
    this.#host.afterCommand(completion);
    if (completion.status === 'BAD') this.#countBadCommand();
    else if (session.state !== 'not-authenticated') this.#badCommands = 0;
    return completion;
  }

  async #run(scanner: Scanner, unit: Extract<Unit, { kind: 'whole' | 'partial' }>): Promise<Completion> {
    const { session, registry, input, beforeCommand } = this.#host;
    const name = scanner.atom('a command').toUpperCase();
    const command = registry.command(name);
    if (!command?.states.includes(session.state)) {
      return { status: 'BAD', text: command ? `${name} is not possible now.` : 'Unknown command.' };
    }
    beforeCommand(name);
    const run = command.prepare(scanner);
    const mail = this.#host.mail();
    if (!mail) return await this.#pull(run(session));
    if (unit.kind === 'partial') mail.upload = new LiteralUpload(unit.literal, input);
    let completion: Completion;
    try {
      completion = await this.#pull(run(session));
    } catch (error) {
      completion = this.#answer(error);
    } finally {
      mail.upload = undefined;
    }
    await this.#tellUpdates(command, completion);
    return completion;
  }

  /** Sends what a command yields. Its own clean-up is run whatever happens. */
  async #pull(running: ReturnType<ReturnType<AnyCommand['prepare']>>): Promise<Completion> {
    if (running instanceof Promise) return await running;
    try {
      for (;;) {
        const { done, value } = await running.next();
        if (done) return value;
        await this.#send(value);
      }
    } finally {
      await running.return({ status: 'NO', text: '' });
    }
  }

  /** What has happened in the selected mailbox, before the tagged answer. */
  async #tellUpdates({ updates = 'all' }: AnyCommand, { afterwards }: Completion): Promise<void> {
    const selection = this.#host.mail()?.selection;
    if (updates === 'none' || afterwards || !selection || this.#closing) return;
    try {
      for await (const piece of selection.sync(updates === 'all' ? 'told' : 'withheld')) await this.#send(piece);
    } catch (error) {
      if (error instanceof ConnectionLost) throw error;
      if (!(error instanceof MailError)) {
        // What the client was told may not be what the view has: it must begin anew. What the command did stays done.
        this.#noteBug(error);
        this.#host.end('Internal error.');
      } else if (error.kind === 'gone') this.#loseMailbox(error);
      // What it has been told is still true; the rest will come with a later command.
      else this.#host.log.warn({ err: error }, 'what has happened in a mailbox could not be told');
    }
  }

  /** As Dovecot does: clients know what to do with a BYE, and little with a mailbox that ends under them. */
  #loseMailbox(error: MailError): void {
    this.#host.log.info({ reason: error.message }, 'the selected mailbox is gone');
    this.#host.end('The selected mailbox was deleted or replaced.');
  }

  /** A command beyond the limits, answered before its bytes have come. */
  async #refuse({ start, reason, pending }: Extract<Unit, { kind: 'refused' }>): Promise<void> {
    const { session, registry, metrics, settings } = this.#host;
    const text = start.toString('latin1');
    const name = BEGINNING.exec(text)?.[1]?.toUpperCase() ?? '';
    const loggedIn = session.state !== 'not-authenticated';
    const limit = loggedIn ? 'literal' : 'literal_before_login';
    metrics.limitsHit.inc({ limit: reason === 'line-too-long' ? 'line' : limit });
    const [tag = '*'] = REFUSED_TAG.exec(text) ?? [];
    let status: Status = {
      status: 'BAD',
      code: 'TOOBIG',
      text: reason === 'line-too-long' ? 'The line is too long.' : 'The literal is too big.',
    };
    if (!loggedIn && !session.secure && (name === 'LOGIN' || name === 'AUTHENTICATE')) {
      status = statusOf(new MailError('privacy-required', 'a literal without TLS'));
    } else if (loggedIn && reason === 'literal-too-big' && registry.command(name)?.streams) {
      const most = settings().limits.literal;
      status = { status: 'NO', code: 'TOOBIG', text: `A message may have ${most} octets at most.` };
    }
    await this.#send(renderStatus(tag, status));
    if (pending > (loggedIn ? SKIP_LOGGED_IN : SKIP_BEFORE_LOGIN)) this.#host.end('Too much to skip.');
    else if (status.status === 'BAD' || !loggedIn) this.#countBadCommand();
  }

  /** @throws what ends the session */
  #answer(error: unknown): Status {
    const { output, log } = this.#host;
    if (error instanceof ConnectionLost) throw error;
    if (output.unfinished || error instanceof BrokenResponse) throw new BrokenResponse('a response broke off', error);
    if (error instanceof Malformed) return { status: 'BAD', text: `Syntax error: ${error.message}.` };
    if (error instanceof MailError) {
      if (error.kind === 'gone' && this.#host.mail()?.selection) this.#loseMailbox(error);
      else if (TROUBLES.has(error.kind) && this.#host.mail()) log.warn({ err: error }, 'a command failed');
      return statusOf(error);
    }
    this.#noteBug(error);
    // A line is still awaited (IDLE), and whoever read the next command would miss it.
    if (this.#host.input.answering) this.#host.end('Internal error.');
    return { status: 'NO', code: 'SERVERBUG', text: 'Internal error.' };
  }

  #noteBug(error: unknown): void {
    this.#host.metrics.bugs.inc();
    this.#host.log.error({ err: error }, 'a command failed unexpectedly');
  }

  #countBadCommand(): void {
    const { metrics, settings } = this.#host;
    metrics.badCommands.inc();
    this.#badCommands += 1;
    if (this.#badCommands < settings().limits.bad_commands) return;
    metrics.limitsHit.inc({ limit: 'bad_commands' });
    this.#host.end('Too many bad commands.');
  }

  #send(piece: Piece): Promise<void> {
    return this.#host.output.send(piece);
  }

  get #closing(): boolean {
    return this.#host.session.state === 'closing';
  }
}

/** The tag, and the space behind it. @throws Malformed */
function readTag(scanner: Scanner): string {
  const tag = scanner.tag();
  scanner.space();
  return tag;
}
