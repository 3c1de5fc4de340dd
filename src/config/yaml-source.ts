import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
  type YAMLParseError,
  type YAMLSeq,
} from 'yaml';
import { formatPath, type Path } from './problem.ts';
import { explainSyntax } from './yaml-syntax.ts';

/** A place in the text, both from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface SourceFault extends Place {
  readonly path: string;
  readonly message: string;
  readonly mend: string;
}

/** A YAML text as plain values, with the place of each. */
export interface YamlSource {
  readonly value: unknown;
  /** What is wrong with the text itself. */
  readonly faults: readonly SourceFault[];
  /** First line of which the structure is in doubt: what seems wrong from here on may follow from a fault. */
  readonly doubtfulFrom: number;
  /** Place of a key or value; of the nearest thing around it when it is not there. */
  locate(path: Path, at?: 'key' | 'value'): Place;
}

/** A configuration has hundreds of values; aliases of aliases make billions out of a few lines. */
const MOST_VALUES = 100_000;

class TooManyValues extends Error {}

function isBehindTheEnd({ code, message }: YAMLParseError): boolean {
  return code === 'UNEXPECTED_TOKEN' && message.includes(' token in YAML stream');
}

/** Reads YAML 1.2 (core schema; no tags, no merge keys). Never throws: whatever is wrong is a fault. */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  let document: Document.Parsed;
  try {
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  } catch (error) {
    // Brackets nested so deeply that the parser runs out of stack.
    const message = `the text cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    const fault = { line: 1, column: 1, path: '', message, mend: 'nest less deeply' };
    return { value: undefined, faults: [fault], doubtfulFrom: 1, locate: () => ({ line: 1, column: 1 }) };
  }
  const textLines = text.split('\n');
  // Once the document has ended too early, each token behind its end is reported: all but the first follow from that one.
  const stray = document.errors.filter(isBehindTheEnd).slice(1);
  const errors = document.errors.filter(error => !stray.includes(error));
  const faults: SourceFault[] = [...errors, ...document.warnings].map(error => {
    const at = place(error.pos[0]);
    return { ...at, path: '', ...explainSyntax(error.code, error.message, textLines[at.line - 1] ?? '') };
  });
  const broken = document.errors.filter(error => error.code !== 'DUPLICATE_KEY').map(error => place(error.pos[0]).line);
  const converted = convert(document, (node, path, message, mend) => {
    faults.push({ ...place(node.range?.[0] ?? 0), path: formatPath(path), message, mend });
  });
  return {
    value: converted.value,
    faults,
    doubtfulFrom: converted.whole ? Math.min(...broken, Number.POSITIVE_INFINITY) : 1,
    locate: (path, at = 'value') => place(offsetOf(document, path, at)),
  };
}

type Complain = (node: Node, path: Path, message: string, mend: string) => void;

function convert(document: Document.Parsed, complain: Complain): { value: unknown; whole: boolean } {
  const open = new Set<Node>();
  let count = 0;

  const convertNode = (node: unknown, path: Path): unknown => {
    count += 1;
    if (count > MOST_VALUES) throw new TooManyValues();
    if (isScalar(node)) return node.value;
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target && !open.has(target)) return convertNode(target, path);
      // A lone `*` is a fault of syntax, reported there.
      if (node.source === '') return undefined;
      const message = target ? `"*${node.source}" contains itself` : `there is no anchor "&${node.source}" before this`;
      complain(
        node,
        path,
        message,
        'put the value in quotes if it is meant as text, otherwise define the anchor first',
      );
      return undefined;
    }
    if (!isMap(node) && !isSeq(node)) return null;
    open.add(node);
    const value = isMap(node)
      ? Object.fromEntries(node.items.flatMap(pair => convertPair(node, pair, path)))
      : node.items.map((item, index) => convertNode(item, [...path, index]));
    open.delete(node);
    return value;
  };

  const convertPair = (map: YAMLMap, pair: Pair, path: Path): [string, unknown][] => {
    const key = keyText(pair);
    if (key !== undefined) return [[key, convertNode(pair.value, [...path, key])]];
    complain(isNode(pair.key) ? pair.key : map, path, 'a key must be a plain text', 'write "key: value"');
    return [];
  };

  try {
    return { value: convertNode(document.contents, []), whole: true };
  } catch (error) {
    if (!(error instanceof TooManyValues)) throw error;
    const root = document.contents;
    if (root) complain(root, [], `the text stands for more than ${MOST_VALUES} values`, 'use fewer aliases');
    return { value: undefined, whole: false };
  }
}

function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) && pair.key.value !== null ? String(pair.key.value) : undefined;
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function offsetOf(document: Document.Parsed, path: Path, at: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = start(node) ?? 0;
  for (const [index, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(item => keyText(item) === String(step));
      if (!pair) return offset;
      const key = start(pair.key) ?? offset;
      // A block begins on the line below its key; the key is where one looks for it.
      const value = isBlock(pair.value) || isEmpty(pair.value) ? key : (start(pair.value) ?? key);
      offset = last && at === 'key' ? key : value;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number' && step < node.items.length) {
      node = node.items[step];
      offset = start(node) ?? offset;
    } else {
      return offset;
    }
  }
  return offset;
}

function start(node: unknown): number | undefined {
  return isNode(node) ? (node.range?.[0] ?? undefined) : undefined;
}

function isBlock(node: unknown): boolean {
  const collection: YAMLMap | YAMLSeq | undefined = isMap(node) || isSeq(node) ? node : undefined;
  return collection !== undefined && collection.flow !== true;
}

function isEmpty(node: unknown): boolean {
  return !isNode(node) || (isScalar(node) && node.value === null && node.source === '');
}
