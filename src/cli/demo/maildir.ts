import { chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Letter } from './letters.ts';

const FLAG_LETTERS = { '\\Answered': 'R', '\\Flagged': 'F', '\\Seen': 'S' } as const;

/** Who may read and write the mail. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Puts letters into Maildirs with Maildir++ folders, `ROOT/USER/Maildir`, oldest first: servers number messages by their files'
 * names and times. @param owner of all files, when it is another than this process
 */
export function writeMaildirs(root: string, letters: readonly Letter[], owner: Owner | undefined): void {
  const give = (path: string) => owner && chownSync(path, owner.uid, owner.gid);
  const folder = (path: string) => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    give(path);
  };
  const file = (path: string, content: string | Buffer) => {
    writeFileSync(path, content, { mode: 0o600 });
    give(path);
  };
  folder(root);
  for (const [user, own] of Map.groupBy(letters, letter => letter.owner)) {
    const maildir = join(root, user, 'Maildir');
    folder(join(root, user));
    folder(maildir);
    const mailboxes = Map.groupBy(own, letter => letter.mailbox);
    for (const [name, inside] of mailboxes) {
      const path = name === 'INBOX' ? maildir : join(maildir, `.${name.replaceAll('/', '.')}`);
      for (const part of ['', 'cur', 'new', 'tmp']) folder(join(path, part));
      if (name !== 'INBOX') file(join(path, 'maildirfolder'), '');
      for (const [index, letter] of inside.entries()) {
        const place = join(path, fileName(letter, index));
        file(place, letter.bytes);
        // The internal date.
        utimesSync(place, letter.date, letter.date);
      }
    }
    const subscribed = [...mailboxes.keys()].filter(name => name !== 'INBOX');
    file(join(maildir, 'subscriptions'), subscribed.map(name => `${name.replaceAll('/', '.')}\n`).join(''));
  }
}

/** What nobody has looked at yet is in "new", without flags. */
function fileName({ date, flags }: Letter, index: number): string {
  const name = `${Math.floor(date.getTime() / 1000)}.M${String(index).padStart(6, '0')}.demo`;
  if (flags.length === 0) return join('new', name);
  const letters = flags.map(flag => FLAG_LETTERS[flag]).sort();
  return join('cur', `${name}:2,${letters.join('')}`);
}
