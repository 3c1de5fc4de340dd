import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/**
 * What a configuration reaches besides its own text: files, the environment, the time. Handed in, so that a test holds them
 * and the schema can be turned into a JSON Schema without touching anything.
 */
export interface Surroundings {
  /** The text of a file named in the configuration. @throws UnreadableError with a message for the administrator */
  readText(path: string): string;
  readEnvironment(name: string): string | undefined;
  /** A path in the configuration made absolute. */
  resolvePath(path: string): string;
  /** Permission bits of a file; undefined when it cannot be looked at. */
  fileMode(path: string): number | undefined;
  /** Milliseconds since 1970. */
  now(): number;
}

/** A file that could not be read; the message says which and why, `mend` what would help. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError';
  readonly mend: string;

  constructor(message: string, mend: string) {
    super(message);
    this.mend = mend;
  }
}

/** No certificate, key, secret or configuration comes near this; a log file or a device named by mistake does. */
const LARGEST_FILE = 16 * 1024 * 1024;

/** The machine itself. Relative paths start at `folder`, the one the configuration lies in. */
export function machineSurroundings(folder: string, env: NodeJS.ProcessEnv): Surroundings {
  return {
    readText: readTextFile,
    readEnvironment: name => env[name],
    resolvePath: path => (isAbsolute(path) ? path : resolve(folder, path)),
    fileMode: path => statSync(path, { throwIfNoEntry: false })?.mode,
    now: () => Date.now(),
  };
}

/**
 * Remembers every file that was asked for, whether it could be read or not: all of them are worth watching. Each is read once,
 * so that all checks see the same text although a file is being replaced.
 */
export function recordingFiles(around: Surroundings): { around: Surroundings; files: { keys(): Iterable<string> } } {
  const seen = new Map<string, { text: string } | { error: unknown }>();
  const readText = (path: string) => {
    const known = seen.get(path) ?? attemptRead(around, path);
    seen.set(path, known);
    if ('error' in known) throw known.error;
    return known.text;
  };
  return { around: { ...around, readText }, files: seen };
}

/** As if every file and variable were there, for checks of what does not depend on them. Absent ones are reported elsewhere. */
export function lenient(around: Surroundings): Surroundings {
  return { ...around, readText: () => 'present', readEnvironment: () => 'present' };
}

function attemptRead(around: Surroundings, path: string): { text: string } | { error: unknown } {
  try {
    return { text: around.readText(path) };
  } catch (error) {
    return { error };
  }
}

function readTextFile(path: string): string {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new UnreadableError(`${path} is not a file`, 'name a regular file');
    if (stat.size > LARGEST_FILE)
      throw new UnreadableError(`${path} is ${stat.size} bytes long`, 'name the right file');
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw explainFailure(path, error);
  }
}

function explainFailure(path: string, error: unknown): UnreadableError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new UnreadableError(
      `${path} does not exist`,
      "create the file or correct the path; relative paths start at the configuration's folder",
    );
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new UnreadableError(
      `${path} may not be read`,
      'let the user that runs postern read it (owner, group, folder)',
    );
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new UnreadableError(`${path} cannot be read: ${reason}`, 'make the file readable');
}
