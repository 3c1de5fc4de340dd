import { AuthError, type AuthErrorKind, type Directory, type LoginName } from '../../src/auth/directory.ts';
import type { DirectoryUser } from '../../src/auth/principal.ts';

export function someUser(login: string, more: Partial<DirectoryUser> = {}): DirectoryUser {
  return {
    directory: 'corp',
    id: `id-${login}`,
    name: login,
    mail: undefined,
    host: undefined,
    groups: [],
    attributes: new Map(),
    entry: `uid=${login},dc=example,dc=org`,
    ...more,
  };
}

/** A directory in memory that can be told to fail, and remembers what it was asked. */
export class FakeDirectory implements Directory {
  readonly name: string;
  readonly users = new Map<string, { user: DirectoryUser; password: string }>();
  /** "authenticate alice", "lookup alice". */
  readonly asked: string[] = [];
  failure: AuthErrorKind | Error | undefined;
  /** Answers wait for it. */
  gate: Promise<unknown> = Promise.resolve();
  /** Called with each question's signal. */
  onSignal: (signal: AbortSignal) => void = () => {};

  constructor(name = 'corp') {
    this.name = name;
  }

  add(login: string, password: string, more: Partial<DirectoryUser> = {}): void {
    this.users.set(login, { user: someUser(login, { directory: this.name, ...more }), password });
  }

  async authenticate(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    const found = await this.#ask('authenticate', login, signal);
    if (!found) throw new AuthError('unknown-user', 'no entry');
    if (found.password !== password) throw new AuthError('bad-password', `refused for ${found.user.entry}`);
    return found.user;
  }

  async lookup(login: LoginName, signal: AbortSignal): Promise<DirectoryUser | undefined> {
    return (await this.#ask('lookup', login, signal))?.user;
  }

  async *list(): AsyncIterable<DirectoryUser> {
    for (const { user } of this.users.values()) yield user;
  }

  servers(): [] {
    return [];
  }

  async close(): Promise<void> {}

  async #ask(question: string, login: LoginName, signal: AbortSignal) {
    this.asked.push(`${question} ${login.login}`);
    this.onSignal(signal);
    await this.gate;
    if (this.failure instanceof Error) throw this.failure;
    if (this.failure) throw new AuthError(this.failure, `told to be ${this.failure}`);
    return this.users.get(login.login);
  }
}
