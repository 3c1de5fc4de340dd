import type { Mailbox, Store } from '../../src/mail/store.ts';
import type { Stand } from './mailbox-stand.ts';

/** Puts `count` messages into INBOX, "text 1" and so on (8 octets), and selects it. */
export async function fill({ must }: Stand, count: number): Promise<void> {
  for (let number = 1; number <= count; number += 1) {
    const letter = `Subject: message ${number}\r\n\r\ntext ${number}\r\n`;
    await must(`APPEND INBOX {${letter.length}+}\r\n${letter}`);
  }
  await must('SELECT INBOX');
}

/** A store of which the mailboxes do one thing otherwise. */
export function changedStore<Key extends keyof Mailbox>(
  store: Store,
  key: Key,
  change: (method: Mailbox[Key]) => Mailbox[Key],
): Store {
  const open = async (name: string, readOnly: boolean) => {
    const mailbox = await store.open(name, readOnly);
    return replaced(mailbox, key, change(bound(mailbox, mailbox[key])));
  };
  return replaced(store, 'open', open);
}

function replaced<T extends object, Key extends keyof T>(target: T, key: Key, value: T[Key]): T {
  return new Proxy(target, {
    get: (_, name) => (name === key ? value : bound(target, Reflect.get(target, name, target))),
  });
}

/** Objects with private members want to be asked as themselves. */
function bound<T>(target: object, value: T): T {
  return typeof value === 'function' ? value.bind(target) : value;
}
