/**
 * What a command of the command line is. Each lives in a file of its own; the dispatcher knows their names, prints usage and
 * turns what they throw into an exit status.
 */
export interface CliCommand {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text, ending with a line end. */
  readonly usage: string;
  /** Does the work; resolves to the exit status. @throws UsageError for a wrong command line; other errors are failures. */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

/** The world as a command sees it, so that a test can be one. Texts carry their own line ends. */
export interface CliIo {
  stdout: (text: string) => void;
  stderr: (text: string) => void;
  stdin: NodeJS.ReadableStream;
  env: NodeJS.ProcessEnv;
  cwd: string;
}

/** Exit statuses; 64 and 78 are EX_USAGE and EX_CONFIG of sysexits(3). */
export const EXIT = { ok: 0, failure: 1, usage: 64, configuration: 78 } as const;

/** The command line is wrong: the dispatcher prints the message and the usage, and exits with 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
