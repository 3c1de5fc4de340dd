import { ConfigError, type LoadedConfig, type Problem, parseConfig } from '../../src/config/load.ts';
import { type Surroundings, UnreadableError } from '../../src/config/surroundings.ts';

export interface MadeUpMachine {
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Permission bits; 0o600 unless said otherwise. */
  readonly modes?: Readonly<Record<string, number>>;
  readonly now?: number;
}

export const CONFIG_FILE = '/etc/postern/postern.yaml';

/** Files, environment and time held by a test. Relative paths start at /etc/postern. */
export function madeUpMachine({ files = {}, env = {}, modes = {}, now = Date.now() }: MadeUpMachine): Surroundings {
  return {
    readText: path => {
      const text = files[path];
      if (text === undefined) throw new UnreadableError(`${path} does not exist`, 'create the file');
      return text;
    },
    readEnvironment: name => env[name],
    resolvePath: path => (path.startsWith('/') ? path : `/etc/postern/${path}`),
    fileMode: path => modes[path] ?? (path in files ? 0o100600 : undefined),
    now: () => now,
  };
}

export function parseOn(machine: MadeUpMachine, text: string): LoadedConfig {
  return parseConfig(text, CONFIG_FILE, madeUpMachine(machine));
}

/** The problems of a configuration that must not load. */
export function problemsOn(machine: MadeUpMachine, text: string): readonly Problem[] {
  try {
    parseOn(machine, text);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration loads, and should not');
}
