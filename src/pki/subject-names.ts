import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';

/** A name a certificate is made for, in the form certificates carry. */
export interface SubjectName {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

/** Text asked for as a name that no certificate can carry. */
export class NameError extends Error {
  override readonly name = 'NameError';
}

/**
 * Host names (also `*.example.org`, and names in other scripts, which become their `xn--` form) and IP addresses, without
 * doubles, in the order given. @throws NameError
 */
export function parseSubjectNames(texts: readonly string[]): SubjectName[] {
  const names = texts.map(parseSubjectName);
  return names.filter((name, index) => names.findIndex(other => other.value === name.value) === index);
}

function parseSubjectName(text: string): SubjectName {
  const bare = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (isIP(bare) !== 0 && !bare.includes('%')) return { type: 'ip', value: bare.toLowerCase() };
  const [, wildcard = '', host = ''] = /^(\*\.)?(.*?)\.?$/.exec(text) ?? [];
  const ascii = domainToASCII(host);
  // A wildcard stands for one whole leftmost label (RFC 6125 §6.4.3), and under a bare top-level name nobody honours it.
  const labels = ascii.split('.');
  const labelsAreSound = labels.every(label => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/.test(label));
  if (!labelsAreSound || ascii.length > 253 || isIP(ascii) !== 0 || (wildcard !== '' && labels.length < 2)) {
    throw new NameError(`"${text}" is not a host name or IP address`);
  }
  return { type: 'dns', value: `${wildcard}${ascii}` };
}

/** The name as a file name: `*.example.org` becomes `wildcard.example.org`. */
export function fileNameOf(name: SubjectName): string {
  return name.value.replace(/^\*/, 'wildcard').replaceAll(':', '-');
}
