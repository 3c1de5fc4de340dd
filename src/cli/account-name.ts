import { printable } from '../observe/printable.ts';

/** An account as an administrator reads it; logins come from outside. */
export function nameOf(account: string, login: string | undefined): string {
  return login === undefined ? `account ${account}` : `account ${account} (${printable(login)})`;
}
