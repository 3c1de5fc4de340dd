import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseUsers } from '../auth/static/users.ts';
import { ConfigError, type LoadedConfig, loadConfig, type Problem, renderProblems } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { DEFAULT_CONFIG } from './admin-client.ts';
import { type CliIo, EXIT } from './command.ts';

/** The configuration, its warnings told on stderr; or the exit status, when it or a file of users is wrong and that has been told. */
export function loadOrExplain(file: string | undefined, io: CliIo): LoadedConfig | number {
  try {
    const loaded = loadConfig(resolve(io.cwd, file ?? DEFAULT_CONFIG), io.env);
    if (loaded.warnings.length > 0) io.stderr(`Warnings:\n${renderProblems(loaded.warnings)}`);
    const problems = problemsOfUsers(loaded.config);
    if (problems.length > 0) throw new ConfigError(problems);
    return loaded;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    io.stderr(renderProblems(error.problems));
    return EXIT.configuration;
  }
}

/** What is wrong in the files of static directories, which loading the configuration only finds. */
function problemsOfUsers({ directories }: Config): readonly Problem[] {
  return Object.entries(directories).flatMap(([name, directory]) => {
    if (directory.kind !== 'static') return [];
    try {
      parseUsers(directory.file, readFileSync(directory.file, 'utf8'), name);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
      throw error;
    }
  });
}
