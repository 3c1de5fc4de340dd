import type { FlagChange } from '../../../src/mail/message.ts';

export interface PlainMessage {
  uid: number;
  readonly emailId: string;
  readonly size: number;
  flags: Set<string>;
  /** Changes count up through the whole index. */
  changed: number;
}

export interface PlainMailbox {
  uidNext: number;
  messages: PlainMessage[];
}

/** What an index must do, on arrays, with one number for all changes. Flags are lower case; no mailbox runs out of keywords. */
export class PlainIndex {
  readonly mailboxes: readonly PlainMailbox[];
  clock = 0;

  constructor(count: number) {
    this.mailboxes = Array.from({ length: count }, () => ({ uidNext: 1, messages: [] }));
  }

  append(to: PlainMailbox, messages: readonly { emailId: string; size: number; flags: readonly string[] }[]): void {
    this.clock += 1;
    for (const { emailId, size, flags } of messages) {
      to.messages.push({ uid: to.uidNext, emailId, size, flags: new Set(flags), changed: this.clock });
      to.uidNext += 1;
    }
  }

  /** @returns as `FlagsSet` */
  setFlags(
    of: PlainMailbox,
    uids: readonly number[],
    { kind, flags }: FlagChange,
    unchangedSince: number,
    viewAt: number,
  ) {
    this.clock += 1;
    const told = { modified: [] as number[], missing: [] as number[], interleaved: [] as number[] };
    for (const uid of uids.filter(one => one < of.uidNext)) {
      const message = of.messages.find(one => one.uid === uid);
      if (!message) told.missing.push(uid);
      else if (message.changed > unchangedSince) told.modified.push(uid);
      else {
        const before = kind === 'replace' ? [] : message.flags;
        const after = new Set(
          kind === 'remove' ? [...before].filter(one => !flags.includes(one)) : [...before, ...flags],
        );
        if (after.size === message.flags.size && [...after].every(one => message.flags.has(one))) continue;
        if (message.changed > viewAt) told.interleaved.push(uid);
        message.flags = after;
        message.changed = this.clock;
      }
    }
    return told;
  }

  /** @returns the uids copied */
  copy(from: PlainMailbox, uids: readonly number[], to: PlainMailbox, move: boolean): number[] {
    const chosen = from.messages.filter(one => uids.includes(one.uid));
    this.append(
      to,
      chosen.map(({ emailId, size, flags }) => ({ emailId, size, flags: [...flags] })),
    );
    if (move) from.messages = from.messages.filter(one => !chosen.includes(one));
    this.clock += 1;
    return chosen.map(({ uid }) => uid);
  }

  expunge(of: PlainMailbox, uids: readonly number[] | undefined): number {
    const before = of.messages.length;
    of.messages = of.messages.filter(({ uid, flags }) => !(flags.has('\\deleted') && (uids?.includes(uid) ?? true)));
    this.clock += 1;
    return before - of.messages.length;
  }
}
