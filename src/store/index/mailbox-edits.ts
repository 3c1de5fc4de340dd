import type { MailboxId, ModSeq } from '../../mail/ids.ts';
import { LAST_UID } from '../../mail/ids.ts';
import { MailError } from '../../mail/mail-error.ts';
import type { MailboxEdit, SpecialUse } from '../../mail/mailbox.ts';
import { accountModSeq, recordEvent } from './account-log.ts';
import { transfer } from './copying.ts';
import { type Database, integer, text } from './database.ts';
import { releaseContents } from './expunging.ts';
import { checkName, INBOX, namesBelow } from './mailbox-names.ts';
import { type MailboxRecords, mailboxId } from './mailbox-record.ts';
import { blockOf, LAST_MAILBOX, messageId } from './schema.ts';
import { EVERYTHING } from './uid-lists.ts';

export interface EditLimits {
  readonly mailboxesMost: number;
  readonly nameOctetsMost: number;
}

/**
 * Changes mailboxes by name. A level above others that is no mailbox itself needs no row: it is there as long as something is below
 * it. UIDVALIDITYs are unique within the account, so that whatever name a mailbox takes, its own was never told of that name.
 */
export class MailboxEdits {
  readonly #db: Database;
  readonly #mailboxes: MailboxRecords;
  readonly #limits: EditLimits;
  /** Milliseconds since 1970. */
  readonly #now: () => number;

  constructor(db: Database, mailboxes: MailboxRecords, limits: EditLimits, now: () => number) {
    this.#db = db;
    this.#mailboxes = mailboxes;
    this.#limits = limits;
    this.#now = now;
  }

  /** @throws MailError `nonexistent`, `already-exists`, `has-children`, `cannot`, `limit` */
  edit(edit: MailboxEdit): { readonly at: ModSeq; readonly touched: readonly MailboxId[] } {
    return this.#db.write(() => {
      const touched = this.apply(edit);
      return { at: accountModSeq(this.#db), touched };
    });
  }

  /** As `edit`, within a transaction. @returns mailboxes whose watchers should be woken */
  apply(edit: MailboxEdit): readonly MailboxId[] {
    switch (edit.kind) {
      case 'create':
        return [this.#create(edit.name, edit.specialUse)];
      case 'delete':
        return this.#delete(edit.name);
      case 'rename':
        return edit.from === INBOX ? this.#renameInbox(edit.to) : this.#rename(edit.from, edit.to);
      default:
        this.#subscribe(edit.name, edit.kind === 'subscribe');
        return [];
    }
  }

  /** See `AccountIndex.renew`. */
  renew(after: number): void {
    const now = this.#now();
    const microseconds = Math.floor(now * 1000);
    this.#db.write(() => {
      const floor = Math.max(after, Math.floor(now / 1000));
      this.#db.run('DELETE FROM expunged');
      this.#db.run('DELETE FROM event');
      this.#db.run(
        `UPDATE account SET uid_validity = max(uid_validity, ?1) + 1, modseq = max(modseq + 1, ?2), trimmed = max(modseq + 1, ?2)`,
        floor,
        microseconds,
      );
      for (const [id] of this.#db.all('SELECT id FROM mailbox ORDER BY id')) {
        this.#db.run(
          `UPDATE mailbox SET modseq = max(modseq + 1, ?2), trimmed = max(modseq + 1, ?2),
             uid_validity = (SELECT uid_validity FROM account) WHERE id = ?1`,
          integer(id),
          microseconds,
        );
        this.#db.run('UPDATE account SET uid_validity = uid_validity + 1');
      }
    });
  }

  #create(name: string, specialUse?: SpecialUse): MailboxId {
    checkName(name, this.#limits.nameOctetsMost);
    if (this.#idOf(name) !== undefined) throw new MailError('already-exists', `${JSON.stringify(name)} is there`);
    const count = integer(this.#db.get('SELECT count(*) FROM mailbox')?.[0]);
    if (count >= this.#limits.mailboxesMost) throw new MailError('limit', `the account has ${count} mailboxes`);
    const now = this.#now();
    this.#db.run('UPDATE account SET uid_validity = max(uid_validity + 1, ?)', Math.floor(now / 1000));
    const row = this.#db.get(
      `INSERT INTO mailbox (name, special_use, uid_validity, uid_next, modseq, trimmed, messages, unseen, deleted, octets,
         recent_from, keywords)
       SELECT ?, ?, uid_validity, 1, ?, 0, 0, 0, 0, 0, 1, '[]' FROM account RETURNING id`,
      name,
      specialUse ?? null,
      // From the wall clock's microseconds: an index that is made anew moves forward all the same.
      Math.floor(now * 1000),
    );
    const id = integer(row?.[0]);
    if (id > LAST_MAILBOX) throw new MailError('limit', 'the account has used up the numbers of mailboxes');
    recordEvent(this.#db, this.#now(), 'created', name);
    return mailboxId(id);
  }

  #delete(name: string): readonly MailboxId[] {
    if (name === INBOX) throw new MailError('cannot', 'INBOX cannot be deleted');
    const id = this.#idOf(name);
    if (id === undefined) {
      if (this.#below(name).length > 0) throw new MailError('has-children', `${JSON.stringify(name)} is only a level`);
      throw new MailError('nonexistent', `there is no mailbox ${JSON.stringify(name)}`);
    }
    const bounds = [messageId(id, 0), messageId(id, LAST_UID)] as const;
    releaseContents(this.#db, 'FROM message WHERE id BETWEEN ?1 AND ?2', bounds, this.#now());
    this.#db.run('DELETE FROM message WHERE id BETWEEN ? AND ?', ...bounds);
    this.#db.run('DELETE FROM block WHERE id BETWEEN ? AND ?', blockOf(id, 0), blockOf(id, LAST_UID));
    this.#db.run('DELETE FROM expunged WHERE mailbox = ?', id);
    this.#db.run('DELETE FROM mailbox WHERE id = ?', id);
    this.#mailboxes.forget(id);
    recordEvent(this.#db, this.#now(), 'deleted', name);
    return [id];
  }

  #rename(from: string, to: string): readonly MailboxId[] {
    const moved = [...(this.#idOf(from) === undefined ? [] : [from]), ...this.#below(from)];
    if (moved.length === 0) throw new MailError('nonexistent', `there is no mailbox ${JSON.stringify(from)}`);
    checkName(to, this.#limits.nameOctetsMost);
    if (to === INBOX) throw new MailError('already-exists', 'INBOX is there');
    if (to.startsWith(`${from}/`)) throw new MailError('cannot', 'a mailbox cannot be moved below itself');
    for (const name of moved) {
      const target = to + name.slice(from.length);
      checkName(target, this.#limits.nameOctetsMost);
      if (this.#idOf(target) !== undefined) throw new MailError('already-exists', `${JSON.stringify(target)} is there`);
    }
    for (const name of moved) {
      const target = to + name.slice(from.length);
      this.#db.run('UPDATE mailbox SET name = ? WHERE name = ?', target, name);
      recordEvent(this.#db, this.#now(), 'renamed', name, target);
    }
    return [];
  }

  /** RFC 9051 §6.3.6: what is in INBOX goes to a new mailbox; INBOX stays, empty, and what is below it stays where it is. */
  #renameInbox(to: string): readonly MailboxId[] {
    const created = this.#create(to);
    const source = this.#mailboxes.named(INBOX);
    if (!source) throw new MailError('nonexistent', 'there is no INBOX');
    transfer(this.#db, this.#mailboxes, source, this.#mailboxes.load(created), EVERYTHING, true, this.#now());
    return [source.id, created];
  }

  #subscribe(name: string, subscribed: boolean): void {
    // A name that is not there may be subscribed to (RFC 9051 §6.3.7 lets servers choose), and stays so when it is deleted.
    if (subscribed) checkName(name, this.#limits.nameOctetsMost);
    const changed = this.#db.run(
      subscribed
        ? 'INSERT INTO subscription (name) VALUES (?) ON CONFLICT DO NOTHING'
        : 'DELETE FROM subscription WHERE name = ?',
      name,
    );
    if (changed > 0) recordEvent(this.#db, this.#now(), subscribed ? 'subscribed' : 'unsubscribed', name);
  }

  #idOf(name: string): MailboxId | undefined {
    const row = this.#db.get('SELECT id FROM mailbox WHERE name = ?', name);
    return row && mailboxId(integer(row[0]));
  }

  #below(name: string): readonly string[] {
    return this.#db
      .all('SELECT name FROM mailbox WHERE name >= ? AND name < ? ORDER BY name', ...namesBelow(name))
      .map(([found]) => text(found));
  }
}
