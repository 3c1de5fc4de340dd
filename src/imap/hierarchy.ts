import type { MailboxInfo } from '../mail/mailbox.ts';
import { levelsAbove } from './mailbox-name.ts';

/** A name as LIST sees it. */
export interface HierarchyEntry {
  readonly info: MailboxInfo;
  /** Whether it is a mailbox or a level above one; otherwise only a subscription is left of it. */
  readonly exists: boolean;
  readonly hasChildren: boolean;
}

/** @param infos all there are (`Store.list`), in the order to be told in */
export function hierarchyOf(infos: readonly MailboxInfo[]): HierarchyEntry[] {
  const parents = new Set<string>();
  for (const { name, id } of infos) {
    if (id === undefined) continue;
    for (const level of levelsAbove(name)) parents.add(level);
  }
  return infos.map(info => {
    const hasChildren = parents.has(info.name);
    return { info, exists: info.id !== undefined || hasChildren, hasChildren };
  });
}
