import { append } from '../commands/append.ts';
import { authenticate } from '../commands/authenticate.ts';
import { capability } from '../commands/capability.ts';
import { create } from '../commands/create.ts';
import { deleteMailbox } from '../commands/delete.ts';
import { list } from '../commands/list.ts';
import { login } from '../commands/login.ts';
import { logout } from '../commands/logout.ts';
import { lsub } from '../commands/lsub.ts';
import { noop } from '../commands/noop.ts';
import { rename } from '../commands/rename.ts';
import { starttls } from '../commands/starttls.ts';
import { status } from '../commands/status.ts';
import { subscribe } from '../commands/subscribe.ts';
import { unsubscribe } from '../commands/unsubscribe.ts';
import { STATUS_ITEMS } from '../items/status-items.ts';
import type { Extension } from './extension.ts';

export const imap4rev1: Extension = {
  source: 'RFC 3501: IMAP4rev1',
  commands: [
    ...[capability, noop, logout, starttls, authenticate, login],
    ...[create, deleteMailbox, rename, subscribe, unsubscribe, list, lsub, append],
  ],
  words: { statusItems: STATUS_ITEMS },
  openCommands: vocabulary => [status(vocabulary)],
  capabilities: ({ secure, startTlsPossible, mechanisms }) => [
    'IMAP4rev1',
    ...(startTlsPossible ? ['STARTTLS'] : []),
    ...(secure ? mechanisms.map(name => `AUTH=${name}`) : ['LOGINDISABLED']),
  ],
};
