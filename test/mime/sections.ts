import type { Section } from '../../src/mail/message.ts';
import { partAt } from '../../src/mime/section.ts';
import type { Part, Structure } from '../../src/mime/structure.ts';

/** The listed difference that the corpus cannot avoid: all header up to a delimiter, which ends more than that part. */
export function headerEndsAtDelimiter(part: Part): boolean {
  return part.children.some(
    child =>
      (child.body.start === child.body.end && child.body.end === part.body.end && part.header.start > 0) ||
      headerEndsAtDelimiter(child),
  );
}

/** Names and sections of everything there is, and of some things that are not there. */
export function sectionsOf({ root }: Structure): [string, Section][] {
  const sections: [string, Section][] = [
    ['', { path: [], want: { kind: 'all' } }],
    ['HEADER', { path: [], want: { kind: 'header' } }],
    ['TEXT', { path: [], want: { kind: 'text' } }],
    ['HEADER.FIELDS (SUBJECT TO)', { path: [], want: { kind: 'fields', names: ['Subject', 'to'], except: false } }],
    ['HEADER.FIELDS.NOT (X-OTHER)', { path: [], want: { kind: 'fields', names: ['x-other'], except: true } }],
    ['9', { path: [9], want: { kind: 'all' } }],
  ];
  const walk = (path: readonly number[]) => {
    const part = partAt(root, path);
    if (!part) return;
    const name = path.join('.');
    sections.push([name, { path, want: { kind: 'all' } }], [`${name}.MIME`, { path, want: { kind: 'mime' } }]);
    sections.push(
      [`${name}.HEADER`, { path, want: { kind: 'header' } }],
      [`${name}.TEXT`, { path, want: { kind: 'text' } }],
    );
    if (part.kind === 'message') {
      sections.push([
        `${name}.HEADER.FIELDS (FROM)`,
        { path, want: { kind: 'fields', names: ['From'], except: false } },
      ]);
    }
    if (part.kind !== 'multipart' && part.kind !== 'message') return;
    for (let number = 1; number < 5; number += 1) walk([...path, number]);
  };
  for (let number = 1; number < 5; number += 1) walk([number]);
  return sections.slice(0, 60);
}

const ADDRESSES = /^(?:from|to|cc|bcc|sender|reply-to)[ \t]*:.*(?:\r?\n[ \t].*)*/gim;

/** Other listed differences: addresses, anywhere in the message, with a folded quoted string that does not end, or ",;". */
export function hasListedAddress(message: Buffer): boolean {
  const fields = message.toString('latin1').match(ADDRESSES) ?? [];
  return fields.some(field => {
    const quotes = field.replace(/\\./g, '').match(/"/g)?.length ?? 0;
    return (quotes % 2 === 1 && field.includes('\n')) || /,\s*;/.test(field);
  });
}
