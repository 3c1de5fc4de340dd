import { unfold } from './encode-string.ts';
import { fieldSelector } from './field-selector.ts';
import type { Field } from './wanted-fields.ts';

const LF = 10;
const COLON = 58;

interface Line {
  /** Lower case; a line without a colon is a name as a whole. */
  readonly name: string;
  readonly start: number;
  /** Where the value begins. */
  readonly value: number;
  /** After the line end of its last line. */
  readonly end: number;
}

/** The fields of a header block as they lie in it, folded lines together; ends at the empty line. */
function* fieldsIn(block: Buffer): Generator<Line> {
  let start = 0;
  while (start < block.length) {
    const lineEnd = endOfLine(block, start);
    if (isEmptyLine(block, start, lineEnd)) return;
    let end = lineEnd;
    while (end < block.length && isSpace(block[end])) end = endOfLine(block, end);
    const colon = block.subarray(start, lineEnd).indexOf(COLON);
    const nameEnd = colon === -1 ? lineEnd : start + colon;
    const name = block.toString('latin1', start, nameEnd).trimEnd().toLowerCase();
    yield { name, start, value: colon === -1 ? lineEnd : nameEnd + 1, end };
    start = end;
  }
}

/** `fieldSelector` for one block. */
export function selectFields(block: Buffer, names: readonly string[], except = false): Buffer {
  return fieldSelector(names, except)(block);
}

/** Every field with this name, in order, unfolded, in wire form. */
export function findFields(block: Buffer, name: string): Field[] {
  const wanted = name.toLowerCase();
  const found: Field[] = [];
  for (const line of fieldsIn(block)) {
    if (line.name !== wanted) continue;
    const value = block.toString('latin1', line.value, line.end).replace(/\r?\n$/, '');
    found.push({ name: wanted, value: unfold(value).trim() });
  }
  return found;
}

function endOfLine(block: Buffer, start: number): number {
  const lf = block.indexOf(LF, start);
  return lf === -1 ? block.length : lf + 1;
}

function isEmptyLine(block: Buffer, start: number, end: number): boolean {
  return block[end - 1] === LF && (end - start === 1 || (end - start === 2 && block[start] === 13));
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 9;
}
