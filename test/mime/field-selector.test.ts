import { describe, expect, it } from 'vitest';
import { fieldSelector } from '../../src/mime/field-selector.ts';
import fc from '../support/fast-check.ts';

/** The same, slowly: by lines of text. */
function selected(block: string, names: readonly string[], except: boolean): string {
  const fields: string[] = [];
  for (const line of block.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    if (fields.length > 0 && /^[ \t]/.test(line)) fields.push(`${fields.pop()}${line}`);
    else if (/^\r?\n$/.test(line)) break;
    else fields.push(line);
  }
  const nameOf = (field: string) => (/^[^:\n]*/.exec(field)?.[0] ?? '').replace(/[ \t\r]+$/, '').toLowerCase();
  const wanted = names.map(name => name.toLowerCase());
  const chosen = fields.filter(field => wanted.includes(nameOf(field)) !== except);
  return `${chosen.map(field => (field.endsWith('\n') ? field : `${field}\r\n`)).join('')}\r\n`;
}

const name = fc.constantFrom('From', 'TO', 'x-a', 'Subject', 'X', 'a b', '');
const lineEnd = fc.constantFrom('\r\n', '\r\n', '\n', '\r', '');
const line = fc
  .tuple(
    fc.constantFrom('', ' ', '\t'),
    name,
    fc.constantFrom(':', ' :', '', '\t:'),
    fc.constantFrom('', ' v', 'a:b'),
    lineEnd,
  )
  .map(parts => parts.join(''));

describe('fields of a header', () => {
  it('are chosen as by reading them line by line', () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 12 }),
        fc.array(name, { maxLength: 4 }),
        fc.boolean(),
        (lines, names, except) => {
          const block = lines.join('');
          const chosen = fieldSelector(names, except)(Buffer.from(block, 'latin1')).toString('latin1');
          expect(chosen).toBe(selected(block, names, except));
        },
      ),
      { numRuns: 3000 },
    );
  });
});
