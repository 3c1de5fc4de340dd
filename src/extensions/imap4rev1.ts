import { authenticate } from '../commands/authenticate.ts';
import { capability } from '../commands/capability.ts';
import { login } from '../commands/login.ts';
import { logout } from '../commands/logout.ts';
import { noop } from '../commands/noop.ts';
import { starttls } from '../commands/starttls.ts';
import type { Extension } from './extension.ts';

export const imap4rev1: Extension = {
  source: 'RFC 3501: IMAP4rev1',
  commands: [capability, noop, logout, starttls, authenticate, login],
  capabilities: ({ secure, startTlsPossible, mechanisms }) => [
    'IMAP4rev1',
    ...(startTlsPossible ? ['STARTTLS'] : []),
    ...(secure ? mechanisms.map(name => `AUTH=${name}`) : ['LOGINDISABLED']),
  ],
};
