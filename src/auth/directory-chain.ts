import type { DecisionRecord, DecisionStep } from './decision-record.ts';
import { AuthError, type AuthErrorKind, type Directory, type LoginName } from './directory.ts';
import type { DirectoryUser } from './principal.ts';

export type RefusalKind = Exclude<
  AuthErrorKind,
  'throttled' | 'ambiguous' | 'unavailable' | 'untrusted' | 'misconfigured'
>;

const REFUSALS: ReadonlySet<AuthErrorKind> = new Set<RefusalKind>([
  'unknown-user',
  'bad-password',
  'known-wrong',
  'over-budget',
  'refused',
]);

/** What the directories said to one question. */
export interface Verdict {
  readonly result: DirectoryUser | AuthError;
  /** The one whose word it is; undefined when none knows the user. */
  readonly directory?: string | undefined;
  /** Those that said that they know no such user, in order. */
  readonly unknownIn: readonly string[];
  readonly steps: readonly DecisionStep[];
}

/**
 * The directories in the order of the configuration. Only "unknown user" lets the next be asked: a directory that is down or
 * refuses must not hand its users over to another, where somebody else may have the same login.
 */
export class DirectoryChain {
  readonly #directories: readonly Directory[];

  /** @throws Error when a name has no directory */
  constructor(names: readonly string[], directories: ReadonlyMap<string, Directory>) {
    this.#directories = names.map(name => {
      const directory = directories.get(name);
      if (!directory) throw new Error(`authentication.directories: there is no directory "${name}"`);
      return directory;
    });
  }

  /** Who is proven by the password. @throws what is no AuthError: a bug, or the signal's reason */
  authenticate(login: LoginName, password: string, signal: AbortSignal): Promise<Verdict> {
    return this.#ask(signal, directory => directory.authenticate(login, password, signal));
  }

  /** The same without a password. */
  lookup(login: LoginName, signal: AbortSignal): Promise<Verdict> {
    return this.#ask(signal, async directory => {
      const user = await directory.lookup(login, signal);
      if (user) return user;
      throw new AuthError('unknown-user', 'no entry');
    });
  }

  find(name: string): Directory | undefined {
    return this.#directories.find(directory => directory.name === name);
  }

  /**
   * The directories that answer alike in both chains: those before the first difference. Behind it, a directory put in front
   * may know the login, too.
   */
  unchangedSince(previous: DirectoryChain): ReadonlySet<string> {
    const length = this.#directories.findIndex((directory, index) => directory !== previous.#directories[index]);
    return new Set(this.#directories.slice(0, length < 0 ? undefined : length).map(directory => directory.name));
  }

  async #ask(signal: AbortSignal, question: (directory: Directory) => Promise<DirectoryUser>): Promise<Verdict> {
    const unknownIn: string[] = [];
    const steps: DecisionStep[] = [];
    for (const directory of this.#directories) {
      signal.throwIfAborted();
      try {
        const result = await question(directory);
        steps.push({ stage: 'directory', outcome: 'ok', detail: `${directory.name}: ${result.entry}` });
        return { result, directory: directory.name, unknownIn, steps };
      } catch (error) {
        if (!(error instanceof AuthError)) throw error;
        const detail = `${directory.name}: ${error.kind}: ${error.message}`;
        steps.push({ stage: 'directory', outcome: error.kind === 'unknown-user' ? 'skip' : 'fail', detail });
        if (error.kind !== 'unknown-user')
          return {
            result: new AuthError(error.kind, detail, error, error.refusal),
            directory: directory.name,
            unknownIn,
            steps,
          };
        unknownIn.push(directory.name);
      }
    }
    const detail = `unknown in ${unknownIn.join(', ')}`;
    steps.push({ stage: 'directory', outcome: 'fail', detail });
    return { result: new AuthError('unknown-user', detail), unknownIn, steps };
  }
}

/** Copies the steps of a verdict, which several attempts may share, into the record of one. */
export function recordVerdict(record: DecisionRecord, verdict: Verdict): void {
  for (const { stage, outcome, detail } of verdict.steps) record.step(stage, outcome, detail);
}

/** Whether a directory's word is one on the login and password, as opposed to one on itself. */
export function isRefusal(kind: AuthErrorKind): kind is RefusalKind {
  return REFUSALS.has(kind);
}
