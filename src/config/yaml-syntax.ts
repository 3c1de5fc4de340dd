import type { ErrorCode } from 'yaml';

interface Explained {
  readonly message: string;
  readonly mend: string;
}

/** A fault of YAML in the words of somebody who edits a configuration, with what most often lies behind it. */
export function explainSyntax(code: ErrorCode, message: string, line: string): Explained {
  if (code === 'MULTIPLE_DOCS')
    return { message: 'there are several documents in the file', mend: mendFor(code, message, line) };
  return { message: `not valid YAML: ${firstSentence(message)}`, mend: mendFor(code, message, line) };
}

function mendFor(code: ErrorCode, message: string, line: string): string {
  if (code === 'DUPLICATE_KEY') return 'join the two, or remove one of them';
  if (code === 'TAB_AS_INDENT' || /^ *\t/.test(line)) return 'indent with spaces; tabs are not allowed';
  if (code === 'MULTIPLE_DOCS') return 'keep one document: remove the line "---"';
  if (code === 'TAG_RESOLVE_FAILED')
    return 'put the value in quotes if it is meant as text; tags (!name) mean nothing here';
  const value = /^\s*(?:- +)?(?:\{ *)?[\w-]+: +(\S.*)$/.exec(line)?.[1] ?? '';
  if (/^\[[0-9a-f:.]*:[0-9a-f:.]*\]/i.test(value) || /[{,] *address: *\[/.test(line)) {
    return 'put addresses in quotes: "[::]:993"';
  }
  if (/: +\{(login|local|domain|user|master|host)\}/.test(line)) return 'put a text that begins with "{" in quotes';
  if (/^[@`%*&!|>]/.test(value)) return `put a text that begins with "${value[0]}" in quotes`;
  if (/^[^"'[{#]*: /.test(value)) return 'put a text that contains ": " in quotes';
  if (code === 'BAD_ALIAS') return 'put a text that begins with "*" in quotes';
  if (code === 'BAD_DQ_ESCAPE') return "write the backslash twice, or use single quotes: '...'";
  if (code === 'MISSING_CHAR' || /end with a [\]}]$/.test(message))
    return 'close what was opened: a quote, "]" or "}"; each key needs ":" and a space';
  if (code === 'BAD_INDENT' || code === 'BLOCK_AS_IMPLICIT_KEY' || code === 'MULTILINE_IMPLICIT_KEY') {
    return 'indent keys of one block alike, and write each as "key: value"';
  }
  return 'check quotes, brackets and indentation on this line and the one before';
}

function firstSentence(message: string): string {
  // Some quote the token, which may be a password.
  const sentence = (message.split('\n')[0] ?? message).replace(/( token in YAML stream): .*$/, '$1');
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
