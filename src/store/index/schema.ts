/**
 * Form of an account's index. Decisions:
 * - A message is found by one number, `mailbox * 2^32 + uid`, so that a range of UIDs is a range of rows.
 * - What STORE writes lies in narrow rows (`message`), what a message says of itself in wide ones (`description`, and `source` with
 *   the header, the widest), which only those read who ask for it. The counts of references lie in rows between (`content`), so
 *   that COPY rewrites no envelope.
 * - There is no index over modseqs: keeping one made STORE of many rows three times as slow. `block` holds, for every 256 UIDs,
 *   a modseq that none of their rows is beyond; who looks for changes passes over the blocks before it.
 * - `message.content` is no foreign key: SQLite would look through all messages when a content goes. `verify` counts instead.
 */
const FIRST = `
  CREATE TABLE account (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    modseq INTEGER NOT NULL,        -- of the account's own log
    uid_validity INTEGER NOT NULL,  -- the last one given out
    trimmed INTEGER NOT NULL        -- events up to here are forgotten
  ) STRICT;

  CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    special_use TEXT,
    uid_validity INTEGER NOT NULL UNIQUE,
    uid_next INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    trimmed INTEGER NOT NULL,       -- tombstones up to here are forgotten
    messages INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    recent_from INTEGER NOT NULL,
    keywords TEXT NOT NULL          -- JSON: names by their place, '' for an empty one
  ) STRICT;

  CREATE TABLE subscription (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

  CREATE TABLE event (
    modseq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    new_name TEXT
  ) STRICT;

  CREATE TABLE message (
    id INTEGER PRIMARY KEY,         -- mailbox << 32 | uid
    flags INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    content INTEGER NOT NULL,
    size INTEGER NOT NULL,
    time INTEGER NOT NULL,          -- internal date: milliseconds since 1970, minutes east of UTC
    zone INTEGER NOT NULL,
    saved INTEGER NOT NULL,
    origin_uid INTEGER              -- of a mirrored message
  ) STRICT;

  CREATE TABLE block (
    id INTEGER PRIMARY KEY,         -- message.id >> 8
    modseq INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE expunged (
    mailbox INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    PRIMARY KEY (mailbox, modseq, uid)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    refs INTEGER NOT NULL CHECK (refs >= 0),
    idle_since INTEGER CHECK ((idle_since IS NULL) = (refs > 0)),
    blob BLOB NOT NULL UNIQUE CHECK (length(blob) = 16),
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    sent_day INTEGER,
    email_id TEXT NOT NULL,
    thread_id TEXT
  ) STRICT;
  CREATE INDEX content_idle ON content (idle_since) WHERE refs = 0;

  CREATE TABLE description (
    content INTEGER PRIMARY KEY REFERENCES content (id) ON DELETE CASCADE,
    envelope BLOB NOT NULL,
    body BLOB NOT NULL,
    structure BLOB NOT NULL
  ) STRICT;

  CREATE TABLE source (
    content INTEGER PRIMARY KEY REFERENCES content (id) ON DELETE CASCADE,
    layout BLOB NOT NULL,
    header BLOB
  ) STRICT;
`;

/** What leads from version n to n + 1, from the empty file on. Never changed once released; a new form is a new step. */
export const MIGRATIONS: readonly string[] = [FIRST];

/** 'Post' in ASCII: what `file` and `PRAGMA application_id` say of an index. */
export const APPLICATION_ID = 0x506f7374;

const UID_SPAN = 2 ** 32;
/** Mailboxes an account can ever have had: beyond it a message's number would not be exact in a double. */
export const LAST_MAILBOX = 2 ** 21 - 1;
const BLOCK_SPAN = 256;

export function messageId(mailbox: number, uid: number): number {
  return mailbox * UID_SPAN + uid;
}

export function uidOfMessage(id: number): number {
  return id % UID_SPAN;
}

export function blockOf(mailbox: number, uid: number): number {
  return Math.floor(messageId(mailbox, uid) / BLOCK_SPAN);
}
