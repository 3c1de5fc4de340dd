import { MailError } from '../../mail/mail-error.ts';

export const INBOX = 'INBOX';
export const SEPARATOR = '/';

/** @throws MailError `cannot` for what no mailbox can be called, `limit` for what is too long */
export function checkName(name: string, octetsMost: number): void {
  const levels = name.split(SEPARATOR);
  if (levels.includes('')) throw new MailError('cannot', `${JSON.stringify(name)} has an empty level`);
  if (/[\0-\x1f\x7f]/.test(name)) throw new MailError('cannot', `${JSON.stringify(name)} has a control character`);
  if (!name.isWellFormed()) throw new MailError('cannot', `${JSON.stringify(name)} is no Unicode`);
  const [first = ''] = levels;
  // A second INBOX in another case could not be told from the first. Not toUpperCase: it takes a dotless i for an i.
  if (first !== INBOX && /^inbox$/i.test(first)) throw new MailError('cannot', `${first} is not spelled ${INBOX}`);
  if (Buffer.byteLength(name) > octetsMost) throw new MailError('limit', `a name is longer than ${octetsMost} octets`);
}

/** The levels above: of `a/b/c` they are `a` and `a/b`. */
export function* levelsAbove(name: string): Generator<string> {
  for (let end = name.indexOf(SEPARATOR); end >= 0; end = name.indexOf(SEPARATOR, end + 1)) yield name.slice(0, end);
}

/** Bounds of the names below a level, for `name >= first AND name < end`: 0 follows the separator in ASCII. */
export function namesBelow(name: string): readonly [first: string, end: string] {
  return [`${name}${SEPARATOR}`, `${name}0`];
}
