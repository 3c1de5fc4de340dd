import { dirname, resolve } from 'node:path';
import { omitKeys, readDraft } from './draft.ts';
import { ConfigError, type Finding, formatPath, type Problem, sortProblems } from './problem.ts';
import { rules } from './rules.ts';
import { type Config, configParts, configSchema } from './schema.ts';
import { schemaFindings, unknownKeys } from './schema-findings.ts';
import { configJsonSchema, valueAt } from './schema-view.ts';
import { lenient, machineSurroundings, recordingFiles, type Surroundings, UnreadableError } from './surroundings.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export { ConfigError, type Problem, renderProblems } from './problem.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** Absolute. */
  readonly file: string;
  /** Every file that was read or looked for, absolute, the configuration first: those to watch. */
  readonly files: readonly string[];
  /** What works and is probably not meant. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads and checks a configuration file with all that it names.
 * @throws ConfigError with every problem at once
 */
export function loadConfig(file: string, env: NodeJS.ProcessEnv): LoadedConfig {
  const path = resolve(file);
  const around = machineSurroundings(dirname(path), env);
  let text: string;
  try {
    text = around.readText(path);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const mend = error instanceof UnreadableError ? error.mend : 'name the configuration by --config FILE';
    throw new ConfigError([{ file, line: 1, column: 1, path: '', message, mend }]);
  }
  return parseConfig(text, path, around);
}

/**
 * Checks a configuration that has been read.
 * @param file its absolute path, for problems
 * @throws ConfigError with every problem at once
 */
export function parseConfig(text: string, file: string, surroundings: Surroundings): LoadedConfig {
  const { around, files } = recordingFiles(surroundings);
  const source = readYaml(text);
  const broken = source.doubtfulFrom < Number.POSITIVE_INFINITY;
  const problems: Problem[] = source.faults.map(fault => ({ file, ...fault }));
  const warnings: Problem[] = [];
  const problem = (finding: Finding) => locate(finding, source, file);

  const parsed = configSchema(around).safeParse(source.value ?? {});
  if (parsed.error) {
    const findings = schemaFindings(parsed.error.issues, source.value ?? {}, configJsonSchema());
    // A key may seem to be missing only because a fault of the text has swallowed it.
    const faulty = new Set(source.faults.map(({ path }) => path));
    const believed = findings.filter(
      ({ path }) => (!broken || valueAt(source.value, path) !== undefined) && !faulty.has(formatPath(path)),
    );
    problems.push(...believed.map(problem).filter(({ line }) => line < source.doubtfulFrom));
  }
  // What a broken text says is not worth comparing.
  if (!broken) {
    const right = omitKeys(source.value, unknownKeys(parsed.error?.issues ?? []));
    const report = {
      error: (finding: Finding) => problems.push(problem(finding)),
      warning: (finding: Finding) => warnings.push(problem(finding)),
    };
    const draft = readDraft(right, configParts(lenient(around)), file);
    for (const rule of rules) rule(draft, report, around);
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(sortProblems(problems));
  return { config: parsed.data, file, files: [file, ...files.keys()], warnings: sortProblems(warnings) };
}

function locate({ path, at, message, mend }: Finding, source: YamlSource, file: string): Problem {
  return { file, ...source.locate(path, at), path: formatPath(path), message, mend };
}
