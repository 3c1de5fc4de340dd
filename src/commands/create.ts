import { newMailboxName } from '../imap/mailbox-name.ts';
import { specialUseOf } from '../imap/special-use.ts';
import { MailError } from '../mail/mail-error.ts';
import type { SpecialUse } from '../mail/mailbox.ts';
import type { Store } from '../mail/store.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';
import { command, LOGGED_IN } from './command.ts';

/** CREATE (RFC 3501 §6.3.3), also with `(USE (\Sent))` (RFC 6154 §3). */
export const create = command({
  name: 'CREATE',
  states: LOGGED_IN,
  parse(scanner) {
    scanner.space();
    const name = scanner.astring('a mailbox name');
    if (scanner.atEnd) return { name, uses: [] };
    scanner.space();
    return { name, uses: scanParameters(scanner) };
  },
  async run({ mail }, args) {
    const name = newMailboxName(args.name);
    const specialUse = await specialUseFor(mail.store, args.uses);
    await mail.store.edit({ kind: 'create', name, ...(specialUse && { specialUse }) });
    return { status: 'OK', text: 'CREATE completed.' };
  },
});

/** create-param (RFC 4466 §2.2), of which USE is known. @throws Malformed */
function scanParameters(scanner: Scanner): string[] {
  const [uses, ...others] = scanner.list(() => {
    if (scanner.atom('a parameter').toUpperCase() !== 'USE') throw new Malformed('a parameter is not known');
    scanner.space();
    return scanner.list(() => scanner.atom('a special use'));
  });
  if (!uses || others.length > 0) throw new Malformed('USE was expected once');
  return uses;
}

/** A mailbox has one use at most, and a use one mailbox: clients take the first they find. @throws MailError `special-use` */
async function specialUseFor(store: Store, names: readonly string[]): Promise<SpecialUse | undefined> {
  const [name] = names;
  if (name === undefined) return undefined;
  const use = specialUseOf(name);
  const possible = use && names.every(other => specialUseOf(other) === use);
  if (!possible) throw new MailError('special-use', `CREATE for ${names.join(' ')}`);
  const taken = (await store.list()).find(({ id, specialUse }) => id !== undefined && specialUse === use);
  if (taken) throw new MailError('special-use', `${use} is ${taken.name}`);
  return use;
}
