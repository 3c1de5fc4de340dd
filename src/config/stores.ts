import { z } from 'zod';
import { duration, LONGEST_AGE } from './quantities.ts';

/** What the folders made at the first login are for (RFC 6154 §2); `none` for a folder like any other. */
const FOLDER_USES = ['archive', 'drafts', 'junk', 'sent', 'trash', 'none'] as const;

/** The store that is there although nobody describes it. */
export const DEFAULT_STORE = 'local';

/** Where mail is kept that Postern serves itself. */
export const storeSchema = z
  .strictObject({
    kind: z
      .literal('sqlite')
      .default('sqlite')
      .describe('sqlite: files below server.data, for each account a database and a folder of messages.'),
    create: z
      .enum(['first-login', 'never'])
      .default('first-login')
      .describe(
        'When an account gets its mailboxes: at its first login, or never; then only those that have some get in.',
      ),
    folders: z
      .record(z.string(), z.enum(FOLDER_USES).describe('What clients are told the folder is for.'))
      .default({ Drafts: 'drafts', Sent: 'sent', Junk: 'junk', Trash: 'trash', Archive: 'archive' })
      .meta({
        description:
          'Folders made with an account, subscribed, and what each is for: archive, drafts, junk, sent, trash or none.',
        title: 'mapping of name to use',
      }),
    sweep_grace: duration(
      'How long messages that nothing refers to any more are kept before their space is freed.',
      'more than zero',
      LONGEST_AGE,
    ).prefault('1h'),
    sweep_every: duration(
      'How often accounts that were used are looked after: space freed, expunged messages forgotten.',
    ).prefault('10m'),
    stray_age: duration(
      'Age at which files of messages that were never finished, after a crash say, are removed. Longer than any APPEND may take.',
      'more than zero',
      LONGEST_AGE,
    ).prefault('24h'),
    remember_expunged: duration(
      'How long is remembered what was expunged. A client that was away for longer compares whole mailboxes.',
      'more than zero',
      LONGEST_AGE,
    ).prefault('30d'),
    snapshots: z
      .strictObject({
        every: duration(
          'How often the index of an account that has changed is copied, for postern repair; 0 = never.',
          'zero allowed',
        ).prefault('24h'),
        keep: z.int().positive().max(100).default(2).describe('Copies kept of each account; the oldest go first.'),
      })
      .describe('Copies of the indexes, made while serving; a damaged index is mended from the newest.')
      .prefault({}),
    threads: z
      .int()
      .positive()
      .max(64)
      .default(2)
      .describe('Threads that work on indexes. An account always has the same one.'),
    mailboxes: z.int().positive().max(100_000).default(10_000).describe('Mailboxes that one account may have.'),
    open_accounts: z
      .int()
      .positive()
      .max(100_000)
      .default(200)
      .describe('Indexes kept open, about 190 KB and 3 file descriptors each. Others are opened when they are used.'),
  })
  .describe('Where mail is kept that Postern serves itself.');
