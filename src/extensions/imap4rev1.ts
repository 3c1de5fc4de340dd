import { append } from '../commands/append.ts';
import { authenticate } from '../commands/authenticate.ts';
import { capability } from '../commands/capability.ts';
import { check } from '../commands/check.ts';
import { close } from '../commands/close.ts';
import { copy } from '../commands/copy.ts';
import { create } from '../commands/create.ts';
import { deleteMailbox } from '../commands/delete.ts';
import { examine } from '../commands/examine.ts';
import { expunge } from '../commands/expunge.ts';
import { fetch } from '../commands/fetch.ts';
import { list } from '../commands/list.ts';
import { login } from '../commands/login.ts';
import { logout } from '../commands/logout.ts';
import { lsub } from '../commands/lsub.ts';
import { noop } from '../commands/noop.ts';
import { rename } from '../commands/rename.ts';
import { search } from '../commands/search.ts';
import { select } from '../commands/select.ts';
import { starttls } from '../commands/starttls.ts';
import { status } from '../commands/status.ts';
import { store } from '../commands/store.ts';
import { subscribe } from '../commands/subscribe.ts';
import { unsubscribe } from '../commands/unsubscribe.ts';
import { FETCH_ITEMS } from '../items/fetch/items.ts';
import { macros } from '../items/fetch/macros.ts';
import { SEARCH_KEYS } from '../items/search/keys.ts';
import { STATUS_ITEMS } from '../items/status-items.ts';
import type { CapabilityContext, Extension } from './extension.ts';

export const imap4rev1: Extension = {
  source: 'RFC 3501: IMAP4rev1',
  commands: [
    ...[capability, noop, logout, starttls, authenticate, login],
    ...[select, examine, check, close, expunge],
    ...[create, deleteMailbox, rename, subscribe, unsubscribe, list, lsub, append],
  ],
  words: { fetchItems: FETCH_ITEMS, fetchMacros: macros, searchKeys: SEARCH_KEYS, statusItems: STATUS_ITEMS },
  openCommands: words => [status(words), fetch(words, false), store(words, false), search(words, false), copy(false)],
  uidCommands: words => [fetch(words, true), store(words, true), search(words, true), copy(true)],
  capabilities: context => ['IMAP4rev1', ...(context.serving ? [] : waysIn(context))],
};

function waysIn({ secure, startTlsPossible, mechanisms }: CapabilityContext): readonly string[] {
  const ways = secure ? mechanisms.map(name => `AUTH=${name}`) : [];
  // The LOGIN command shows the password as PLAIN does.
  const offered = ways.includes('AUTH=PLAIN') || ways.includes('AUTH=LOGIN') ? ways : [...ways, 'LOGINDISABLED'];
  return startTlsPossible ? ['STARTTLS', ...offered] : offered;
}
