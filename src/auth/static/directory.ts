import { availableParallelism } from 'node:os';
import type { StaticConfig } from '../../config/schema.ts';
import type { Logger } from '../../observe/log.ts';
import { AuthError, type Directory, type LoginName } from '../directory.ts';
import type { DirectoryUser } from '../principal.ts';
import { dummyHash, type PasswordHash, verifyPassword } from './password-hash.ts';
import { Turns } from './turns.ts';
import { foldName, type StaticUsers } from './users.ts';
import { UsersFile } from './users-file.ts';

/**
 * The directory whose users are in a file: for break-glass accounts, small sites and the demonstration. A login leads to the
 * user whose `login` or `mail` it is, whole: `admin` is not found by `admin@example.org` unless one of the two says so.
 * @throws ConfigError when the file cannot be used
 */
export function openStaticDirectory(name: string, config: StaticConfig, { log }: { log: Logger }): Directory {
  return new StaticDirectory(name, new UsersFile(config.file, name, log));
}

class StaticDirectory implements Directory {
  readonly name: string;
  readonly #file: UsersFile;
  // Node's few threads for such work also resolve names and read files: a flood of guesses must leave some of them.
  readonly #turns = new Turns(Math.min(2, availableParallelism()));
  #dummy: { of: StaticUsers; hash: PasswordHash } | undefined;

  constructor(name: string, file: UsersFile) {
    this.name = name;
    this.#file = file;
  }

  async authenticate(login: LoginName, password: string, signal: AbortSignal): Promise<DirectoryUser> {
    if (password === '') throw new AuthError('bad-password', 'empty password');
    const users = await this.#file.current();
    const found = users.byName.get(foldName(login.login));
    const hash = found?.password ?? this.#dummyFor(users);
    const right = await this.#turns
      .run(signal, () => verifyPassword(hash, password))
      .catch((error: unknown) => {
        if (signal.aborted) throw error;
        throw new AuthError('misconfigured', error instanceof Error ? error.message : String(error), error);
      });
    signal.throwIfAborted();
    if (!found) throw new AuthError('unknown-user', 'no such user');
    if (!right) throw new AuthError('bad-password', `wrong password for ${found.user.entry}`);
    return found.user;
  }

  async lookup(login: LoginName, signal: AbortSignal): Promise<DirectoryUser | undefined> {
    signal.throwIfAborted();
    const users = await this.#file.current();
    return users.byName.get(foldName(login.login))?.user;
  }

  async *list(signal: AbortSignal): AsyncIterable<DirectoryUser> {
    for (const { user } of (await this.#file.current()).all) {
      signal.throwIfAborted();
      yield user;
    }
  }

  /** None: there is nothing to connect to. */
  servers(): [] {
    return [];
  }

  async close(): Promise<void> {}

  /** As expensive as most hashes of the file, so that time does not tell who is in it. */
  #dummyFor(users: StaticUsers): PasswordHash {
    if (this.#dummy?.of !== users) this.#dummy = { of: users, hash: dummyHash(mostFrequent(users)) };
    return this.#dummy.hash;
  }
}

function mostFrequent(users: StaticUsers): PasswordHash | undefined {
  const groups = Map.groupBy(
    users.all.map(({ password }) => password),
    ({ salt: _, hash, ...parameters }) => JSON.stringify([parameters, hash.length]),
  );
  return [...groups.values()].toSorted((one, other) => other.length - one.length)[0]?.[0];
}
