import type { SpecialUse } from '../mail/mailbox.ts';

/** RFC 6154 §2: those that a mailbox can be made for. \All and \Flagged would be views of other mailboxes. */
const SPECIAL_USES: readonly SpecialUse[] = ['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash'];

/** The special use that a name means, in any case. */
export function specialUseOf(name: string): SpecialUse | undefined {
  const lower = name.toLowerCase();
  return SPECIAL_USES.find(use => use.toLowerCase() === lower);
}
