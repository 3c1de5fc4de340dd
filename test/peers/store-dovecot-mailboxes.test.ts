import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dovecot } from '../support/dovecot.ts';
import { ImapClient } from '../support/imap-client.ts';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';

const NAMESPACE = `
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    special_use = \\Drafts
    auto = subscribe
  }
  mailbox Sent {
    special_use = \\Sent
    auto = subscribe
  }
}
`;

/** Dovecot bears no more than 20 bad commands in a session. */
const RECONNECT = 'LOGOUT';

type Command = string | readonly [command: string, literal: string];

/** One session's commands, in order; each finds what those before it have left. */
const COMMANDS: readonly Command[] = [
  'NAMESPACE',
  ...['"" *', '"" %', '"" ""', 'INBOX ""', '"" inbox', '"" iNb%', '"" {1+}\r\n*'].map(given => `LIST ${given}`),
  ...['a', 'a', 'b/', 'c/d/e', 'inbox', 'INBOX/sub', 'inbox/sub2', '"x y"', 'Entw&APw-rfe'].map(
    name => `CREATE ${name}`,
  ),
  ...['&', 'a//b', '/a', '""', '"Entw\xc3\xbcrfe"', '"&AAE-"', '/'].map(name => `CREATE ${name}`),
  ...['"" *', '"" %', '"" %/%', '"" c/%', 'c/ %', 'c %', '"" *e', '"" "c*e"', '"" "Entw&APw-rfe"'].map(
    given => `LIST ${given}`,
  ),
  ...['"" /a', '/ a', '"" none', '"" "x%"', '(SPECIAL-USE) "" *', '"" % RETURN (CHILDREN)'].map(
    given => `LIST ${given}`,
  ),
  ...['"" (a c%)', '() "" a', '(X) "" *', '"" * RETURN (X)', '""', ''].map(given => `LIST ${given}`),
  RECONNECT,
  ...['a', 'c/d/e', 'none', 'INBOX/sub', ''].map(name => `SUBSCRIBE ${name}`),
  ...['"" *', '"" %', '"" c/%', 'c/ %', '"" %/%', '"" c', '"" c/d/e', '"" *%', '"" ""'].map(given => `LSUB ${given}`),
  ...['a', 'inbox', '"Entw&APw-rfe"', '"x y"', 'none', 'c'].map(
    name => `STATUS ${name} (MESSAGES RECENT UIDNEXT UNSEEN)`,
  ),
  ...['a ()', 'a (X)', 'a MESSAGES', 'a'].map(given => `STATUS ${given}`),
  RECONNECT,
  ...['c moved', 'none q', 'a a', 'a a/b', 'moved/d moved/d/x', 'a INBOX', 'a', 'x'].map(names => `RENAME ${names}`),
  'LIST "" *',
  'LSUB "" *',
  'LSUB "" %',
  ...['moved', 'moved/d/e', 'none', 'INBOX', 'a', '', 'INBOX/sub'].map(name => `DELETE ${name}`),
  'LIST "" *',
  'LSUB "" *',
  ...['c/d/e', 'none', 'INBOX/sub'].map(name => `UNSUBSCRIBE ${name}`),
  'LSUB "" *',
  RECONNECT,
  ['APPEND none {4}', 'a: b'],
  ['APPEND b {4}', 'a: b'],
  ['APPEND b (\\Seen $work) {4}', 'a: b'],
  ['APPEND INBOX () " 1-Jan-2020 00:00:00 +0000" {4}', 'a: b'],
  ['APPEND INBOX () "31-Foo-2020 00:00:00 +0000" {4}', 'a: b'],
  ['APPEND INBOX (\\Xyzzy) {4}', 'a: b'],
  ['APPEND INBOX {4+}', 'a: b x'],
  'APPEND INBOX',
  'STATUS b (MESSAGES UIDNEXT UNSEEN)',
  'SELECT b',
  ['APPEND b {4}', 'a: b'],
  'CLOSE',
  'DELETE b',
  'SELECT b',
  'LIST "" *',
  // Dovecot hangs up afterwards; here nothing is selected any more.
  'SELECT "x y"',
  'DELETE "x y"',
];

describeWithPeers(['dovecot'], 'commands on mailboxes, beside Dovecot', () => {
  let dovecot: Dovecot;
  let postern: RunningPostern;

  beforeAll(async () => {
    [dovecot, postern] = await Promise.all([
      Dovecot.start({ extra: NAMESPACE }),
      startServedDoor({ store: { folders: { Drafts: 'drafts', Sent: 'sent' } }, limits: { bad_commands: 1000 } }),
    ]);
  });
  afterAll(() => Promise.all([dovecot?.remove(), postern?.remove()]));

  it('say the same', { timeout: 60_000 }, async () => {
    const enterDovecot = async () => {
      const client = await ImapClient.connect({ port: dovecot.ports.plain });
      await client.command('LOGIN alice secret');
      return client;
    };
    let [ours, theirs] = await Promise.all([enter(postern), enterDovecot()]);
    const different: string[] = [];
    for (const command of COMMANDS) {
      const parts = typeof command === 'string' ? [command] : command;
      const [our = '', their = ''] = await Promise.all([ours, theirs].map(client => said(client, parts)));
      if (our !== their) different.push(`${parts.join(' ')}\nPostern: ${our}\nDovecot: ${their}`);
      if (command === RECONNECT) [ours, theirs] = await Promise.all([enter(postern), enterDovecot()]);
    }
    expect(different).toEqual([]);
    ours.close();
    theirs.close();
  });
});

/** What was answered, without what may differ: order, wording, and values that come from the clock. */
async function said(client: ImapClient, parts: readonly string[]): Promise<string> {
  const { tagged, untagged } = await client.command(...parts).catch((error: unknown) => {
    throw new Error(parts.join(' '), { cause: error });
  });
  const [status = ''] = /(?<=^\S+ )(?:OK|NO|BAD)/.exec(tagged) ?? [];
  // Dovecot has codes for few of its refusals.
  const code = status === 'OK' ? (/\[[A-Z-]+/.exec(tagged)?.[0] ?? '') : '';
  const extended = /^LIST (?:\(|\S+ \(|.* RETURN)/.test(String(parts[0]));
  const lines = untagged
    .filter(line => !/^\* OK \[(?:HIGHESTMODSEQ|UIDVALIDITY)/.test(line))
    .map(line => line.replace(/^(\* OK \[[^\]]*\]|\* BYE).*/, '$1'))
    .map(line => (extended || line.startsWith('* LSUB') ? withoutExtras(line) : line));
  return [...lines.sort(), status + code].join('\n');
}

/**
 * Special uses are not asked for by LSUB: Dovecot tells them, and may (RFC 6154 §2). A LIST with options is answered by Dovecot with what
 * the options ask for and by Postern with what it always tells, which is allowed, too (RFC 5258 §4), \Noselect beside the \NonExistent that
 * implies it.
 */
function withoutExtras(line: string): string {
  return line.replace(/\(([^)]*)\)/, (_, attributes: string) => {
    const left = attributes.split(' ').filter(attribute => /^\\(?:Noselect|NonExistent)$/.test(attribute));
    return `(${left.includes('\\NonExistent') ? '\\NonExistent' : left.join(' ')})`;
  });
}
