/** Keys and indexes from the root of the configuration. */
export type Path = readonly (string | number)[];

/** One thing wrong in a configuration file, or a warning about it. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** Such as `routes[2].relay`; empty for the whole file. */
  readonly path: string;
  /** What is wrong. */
  readonly message: string;
  /** What would be right. */
  readonly mend: string;
}

/** What a check found, before its place in the file is known. */
export interface Finding {
  readonly path: Path;
  /** Whether the key itself is wrong (unknown, say) or its value. The value unless said otherwise. */
  readonly at?: 'key' | 'value';
  readonly message: string;
  readonly mend: string;
}

/** A configuration that cannot be used; nothing of it was applied. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(renderProblems(problems));
    this.problems = problems;
  }
}

/** `file:line:column: path: message`, and what would be right on a line of its own. Ends with a line end unless empty. */
export function renderProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ file, line, column, path, message, mend }) => {
      const place = path === '' ? '' : `${path}: `;
      const head = printable(`${file}:${line}:${column}: ${place}${message}`);
      return `${head}\n    ${printable(mend)}\n`;
    })
    .join('');
}

/** By place, each once. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const seen = new Set<string>();
  return problems
    .filter(problem => {
      const key = JSON.stringify([problem.line, problem.column, problem.path, problem.message]);
      return !seen.has(key) && seen.add(key);
    })
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

export function formatPath(path: Path): string {
  return path
    .map((step, index) => {
      if (typeof step === 'number') return `[${step}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** A value as it is quoted in a message: short, on one line. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** Text of the file ends up on a terminal: no control characters, which could rewrite what is read there. */
function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
