import { posix } from 'node:path';
import { parseSync } from 'oxc-parser';

/** One import of a source file, however it is written. */
export interface Import {
  /** Path from the project's root (`src/wire/encoder.ts`) for files of the house, else the specifier (`node:net`, `zod`). */
  readonly target: string;
  readonly local: boolean;
  /** Erased before the code runs. */
  readonly typeOnly: boolean;
  readonly line: number;
}

export interface SourceModule {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
  /** What the text itself does against the house rules: "path:line: what". */
  readonly faults: readonly string[];
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly [field: string]: unknown;
}

/**
 * Reads a source file: its imports and the faults that one file can have by itself. An import is type-only when the whole statement
 * is; `import { type A }` still loads the file when it runs.
 */
export function parseSource(path: string, text: string): SourceModule {
  const parsed = parseSync(path, text);
  const imports: Import[] = [];
  const faults: string[] = [];
  const lineAt = lineFinder(text);
  const fault = (offset: number, what: string) => faults.push(`${path}:${lineAt(offset)}: ${what}`);

  const addImport = (source: unknown, typeOnly: boolean, offset: number) => {
    const specifier = literalText(source);
    if (specifier === undefined) {
      fault(offset, 'imports something that is only known when it runs');
      return;
    }
    const local = specifier.startsWith('.');
    if (local && !specifier.endsWith('.ts')) fault(offset, `imports "${specifier}" without .ts`);
    const target = local ? posix.join(posix.dirname(path), specifier) : specifier;
    imports.push({ target, local, typeOnly, line: lineAt(offset) });
  };

  for (const error of parsed.errors) faults.push(`${path}: does not parse: ${error.message}`);
  walk(parsed.program, node => {
    switch (node.type) {
      case 'ImportDeclaration':
        addImport(node.source, node.importKind === 'type', node.start);
        break;
      case 'ExportNamedDeclaration':
      case 'ExportAllDeclaration':
        if (node.source) addImport(node.source, node.exportKind === 'type', node.start);
        break;
      case 'ImportExpression':
        addImport(node.source, false, node.start);
        break;
      case 'TSImportType':
        addImport(node.source, true, node.start);
        break;
      case 'TSAnyKeyword':
        fault(node.start, 'says "any"');
        break;
      case 'TSNonNullAssertion':
      case 'TSNonNullExpression':
        fault(node.start, 'silences the compiler with "!"');
        break;
      case 'TSAsExpression':
        if (isNode(node.expression) && node.expression.type === 'TSAsExpression') {
          fault(node.start, 'silences the compiler with "as ... as"');
        }
        break;
      case 'NewExpression':
        if (isLiteralSourceUrl(node))
          fault(node.start, 'names a .ts file by URL, which a build does not rewrite: derive it');
        break;
    }
  });
  for (const comment of parsed.comments) {
    for (const what of commentFaults(comment.value)) fault(comment.start, what);
  }
  return { path, imports, faults };
}

/** RFC references read `RFC 7162` or `RFC 7162 §3.2.10`, so that a tool can follow them. */
export function commentFaults(comment: string): string[] {
  const faults: string[] = [];
  // RFC822.SIZE and message/rfc822 are names of the protocol, not references.
  for (const [reference] of comment.matchAll(/\bRFC[-_]?\d{4,5}\b|\b[Rr]fc ?\d{3,5}\b(?![.\w])/g)) {
    if (reference !== 'rfc822')
      faults.push(`writes "${reference}" for an RFC; write "RFC ${reference.replace(/\D/g, '')}"`);
  }
  for (const [reference] of comment.matchAll(
    /\bRFC \d+,? (?:[Ss]ection|[Ss]ec\.|[Cc]hapter|§ )\s*[\d.]*|\bRFC \d+(?:, ?|)§[\d.]*/g,
  )) {
    faults.push(`writes "${reference}"; write "RFC 1234 §5.6"`);
  }
  if (/@ts-(?:ignore|expect-error|nocheck)/.test(comment)) faults.push('silences the compiler by a comment');
  return faults;
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, visit);
  } else if (typeof value === 'object' && value !== null) {
    if (isNode(value)) visit(value);
    for (const child of Object.values(value)) walk(child, visit);
  }
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value
  );
}

function literalText(value: unknown): string | undefined {
  return isNode(value) && value.type === 'Literal' && typeof value.value === 'string' ? value.value : undefined;
}

function isLiteralSourceUrl(node: Node): boolean {
  const callee = node.callee;
  const first: unknown = Array.isArray(node.arguments) ? node.arguments[0] : undefined;
  return isNode(callee) && callee.name === 'URL' && /^\..*\.ts$/.test(literalText(first) ?? '');
}

function lineFinder(text: string): (offset: number) => number {
  return offset => text.slice(0, offset).split('\n').length;
}
