import { accountId } from '../../auth/account-id.ts';
import type { AccountId } from '../../mail/ids.ts';
import type { NewMessage } from '../../mail/message.ts';
import type { Store } from '../../mail/store.ts';
import type { Letter } from './letters.ts';
import { DIRECTORY, PEOPLE } from './people.ts';

/** Puts letters into the mailboxes of those they belong to, oldest first, making folders as they are needed. */
export async function fill(
  open: (account: AccountId) => Promise<Store>,
  letters: readonly Letter[],
  signal: AbortSignal,
): Promise<void> {
  for (const { login, id } of PEOPLE) {
    const store = await open(accountId(DIRECTORY, id));
    try {
      const own = letters.filter(({ owner }) => owner === login);
      for (const [mailbox, inside] of Map.groupBy(own, letter => letter.mailbox)) {
        const known = await store.list();
        if (!known.some(({ name, id }) => name === mailbox && id !== undefined)) {
          await store.edit({ kind: 'create', name: mailbox });
          await store.edit({ kind: 'subscribe', name: mailbox });
        }
        await store.append(mailbox, messages(inside), signal);
      }
    } finally {
      await store.close();
    }
  }
}

async function* messages(letters: readonly Letter[]): AsyncGenerator<NewMessage, void, undefined> {
  for (const { bytes, flags, date } of letters) {
    const time = Math.floor(date.getTime() / 1000) * 1000;
    yield { size: bytes.length, source: once(bytes), flags, date: { time, zone: -date.getTimezoneOffset() } };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
