import type { Socket } from 'node:net';
import {
  BerReader,
  BindRequest,
  type Control,
  type Filter,
  PagedResultsControl,
  PasswordPolicyControl,
  SearchRequest,
  UnbindRequest,
} from 'ldapts';
import { reasonOf, ServerFailure } from './failure.ts';
import { MalformedMessage, MessageFrames } from './frames.ts';
import { ANSWER, type LdapEntry, type LdapResult, parseResponse } from './response.ts';

/** Most bytes one operation may bring, so that a server that never ends fills no memory. One page of a listing is far below. */
const LARGEST_ANSWER = 64 * 1024 * 1024;

const MOST_IDS = 2 ** 31 - 1;
const SIZE_LIMIT_EXCEEDED = 4;

export interface SearchQuestion {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  readonly filter: Filter;
  readonly attributes: readonly string[];
  /** Most entries wanted; 0 = all. */
  readonly sizeLimit: number;
  /** Ask for this many at a time (RFC 2696), continuing where the cookie of the page before says. */
  readonly page?: { readonly size: number; readonly cookie: Buffer | undefined };
}

export interface SearchAnswer {
  readonly result: LdapResult;
  /** Search references are not here: they are never followed. */
  readonly entries: readonly LdapEntry[];
  /** Where the next page begins; undefined after the last. */
  readonly cookie: Buffer | undefined;
}

export interface BindAnswer {
  readonly result: LdapResult;
  /** Error of the password policy control (draft-behera-ldap-password-policy §6.2); may come with success. */
  readonly policyError: number | undefined;
}

interface Pending {
  readonly id: number;
  readonly operation: number;
  readonly sizeLimit: number;
  readonly entries: LdapEntry[];
  bytes: number;
  readonly resolve: (result: LdapResult) => void;
  readonly reject: (error: ServerFailure) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * One LDAP connection that does one operation at a time, each with a deadline. It ends for good at the first error, time-out or
 * close: it never reconnects, so that no operation can go out on a connection that is less secure, or bound as somebody
 * else, than the one it was meant for.
 */
export class Connection {
  /** "host:port", for messages. */
  readonly server: string;
  readonly openedAt: number;
  /** Set by the pool: has served before, so that a loss may only mean that the server closed it meanwhile. */
  proven = false;
  /** Told once when the connection ends, by whomever. */
  onEnd: (() => void) | undefined;
  readonly #socket: Socket;
  readonly #frames = new MessageFrames();
  #lastId = 1;
  #pending: Pending | undefined;
  #failure: ServerFailure | undefined;

  /** @param socket ready and secured; belongs to the connection from now on */
  constructor(socket: Socket, server: string, now: number) {
    this.server = server;
    this.openedAt = now;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('error', error => this.#fail('lost', reasonOf(error), error));
    socket.on('end', () => this.#fail('lost', 'the server closed the connection'));
    socket.on('close', () => this.#fail('lost', 'the connection is closed'));
  }

  /** Whether another operation can be tried. */
  get usable(): boolean {
    return this.#failure === undefined && this.#pending === undefined && !this.#socket.destroyed;
  }

  /**
   * Simple bind (RFC 4511 §4.2). The caller has made sure that neither the DN nor the password is empty: those are anonymous
   * binds, which succeed without proving anything (RFC 4513 §5.1).
   * @throws ServerFailure when there is no answer
   */
  async bind(dn: string, password: string, deadline: number): Promise<BindAnswer> {
    if (dn === '' || password === '') throw new Error('a bind without DN or password proves nothing');
    // A new control for each bind: ldapts 9.2 keeps the answer in it.
    const policy = new PasswordPolicyControl();
    const messageId = this.#nextId();
    const request = new BindRequest({ messageId, dn, password, controls: [policy] });
    const result = await this.#exchange(request.write(), messageId, ANSWER.bind, 0, [], deadline);
    const value = result.controls.get(PasswordPolicyControl.type);
    if (value && value.length > 0) this.#readControl(policy, value);
    return { result, policyError: policy.value?.error };
  }

  /** @throws ServerFailure when there is no answer */
  async search(question: SearchQuestion, deadline: number): Promise<SearchAnswer> {
    const { base, scope, filter, attributes, sizeLimit, page } = question;
    const controls: Control[] = [];
    if (page) {
      const { size, cookie } = page;
      controls.push(new PagedResultsControl({ critical: true, value: cookie ? { size, cookie } : { size } }));
    }
    const messageId = this.#nextId();
    const request = new SearchRequest({
      messageId,
      baseDN: base,
      scope,
      filter,
      attributes: [...attributes],
      sizeLimit,
      timeLimit: Math.max(1, Math.ceil((deadline - performance.now()) / 1000)),
      controls,
    });
    const entries: LdapEntry[] = [];
    const result = await this.#exchange(request.write(), messageId, ANSWER.search, sizeLimit, entries, deadline);
    return { result, entries, cookie: page ? this.#cookieOf(result) : undefined };
  }

  /** Says goodbye (RFC 4511 §4.3) and closes; does not wait for a server that may not listen any more. */
  close(): void {
    if (!this.#failure && !this.#pending) {
      this.#socket.end(new UnbindRequest({ messageId: this.#nextId() }).write());
      this.#socket.destroySoon();
    }
    this.#fail('lost', 'the connection was closed here');
  }

  #nextId(): number {
    this.#lastId = this.#lastId >= MOST_IDS ? 2 : this.#lastId + 1;
    return this.#lastId;
  }

  #exchange(
    request: Buffer,
    id: number,
    operation: number,
    sizeLimit: number,
    entries: LdapEntry[],
    deadline: number,
  ): Promise<LdapResult> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#pending) return Promise.reject(new Error('a connection does one operation at a time'));
    return new Promise((resolve, reject) => {
      const left = Math.max(0, deadline - performance.now());
      const timer = setTimeout(() => this.#fail('timeout', 'did not answer in time'), left);
      this.#pending = { id, operation, sizeLimit, entries, bytes: 0, resolve, reject, timer };
      this.#socket.write(request);
    });
  }

  #received(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      this.#frames.push(chunk);
      for (let message = this.#frames.next(); message; message = this.#frames.next()) this.#answered(message);
      if (!this.#pending && this.#frames.pending > 0) throw new MalformedMessage('it sent what nobody asked for');
    } catch (error) {
      if (error instanceof MalformedMessage)
        this.#fail('unavailable', `it does not speak LDAP: ${error.message}`, error);
      else throw error;
    }
  }

  #answered(message: Buffer): void {
    const pending = this.#pending;
    const response = parseResponse(message);
    if (response.id === 0) {
      // Notice of Disconnection (RFC 4511 §4.4.1), the only message that answers nothing.
      const text = response.kind === 'result' ? response.result.message : '';
      this.#fail('lost', `the server ends the connection: ${text}`);
      return;
    }
    if (!pending || response.id !== pending.id) throw new MalformedMessage('it answered what nobody asked');
    pending.bytes += message.length;
    if (pending.bytes > LARGEST_ANSWER) throw new MalformedMessage(`its answer exceeds ${LARGEST_ANSWER} bytes`);
    if (response.kind === 'result') {
      if (response.operation !== pending.operation) throw new MalformedMessage('its answer is to another operation');
      this.#settle(pending);
      pending.resolve(response.result);
      return;
    }
    if (pending.operation !== ANSWER.search) throw new MalformedMessage('it sent entries without a search');
    if (response.kind === 'reference') return;
    if (pending.sizeLimit === 0 || pending.entries.length < pending.sizeLimit) {
      pending.entries.push(response.entry);
      return;
    }
    // A server that ignores the limit has told enough; the rest of its answer ends with the connection.
    this.#settle(pending);
    pending.resolve({ code: SIZE_LIMIT_EXCEEDED, message: 'more entries than asked for', controls: new Map() });
    this.#fail('lost', 'the server ignores the size limit');
  }

  #settle(pending: Pending): void {
    clearTimeout(pending.timer);
    this.#pending = undefined;
  }

  #cookieOf(result: LdapResult): Buffer | undefined {
    const value = result.controls.get(PagedResultsControl.type);
    if (!value) return undefined;
    const control = new PagedResultsControl();
    this.#readControl(control, value);
    const cookie = control.value?.cookie;
    return cookie && cookie.length > 0 ? cookie : undefined;
  }

  #readControl(control: Control, value: Buffer): void {
    try {
      control.parse(new BerReader(value));
    } catch (error) {
      const failure = new ServerFailure('unavailable', `${this.server} sent a control that is none`, error);
      this.#fail('unavailable', failure.message, error);
      throw failure;
    }
  }

  #fail(kind: 'lost' | 'timeout' | 'unavailable', detail: string, cause?: unknown): void {
    if (this.#failure) return;
    const failure = new ServerFailure(kind, `${this.server}: ${detail}`, cause);
    this.#failure = failure;
    const pending = this.#pending;
    if (pending) {
      this.#settle(pending);
      pending.reject(failure);
    }
    // A goodbye that is still being written may go out first.
    if (!this.#socket.writableEnded) this.#socket.destroy();
    this.onEnd?.();
  }
}
