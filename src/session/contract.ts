import type { Credentials, SaslContext, SaslMechanism } from '../auth/sasl/mechanism.ts';
import type { IdParameters } from '../imap/id.ts';
import type { SequenceSet } from '../imap/sequence-set.ts';
import type { Status } from '../imap/status.ts';
import type { ModSeq, Seq, Uid } from '../mail/ids.ts';
import type { Mailbox, Store } from '../mail/store.ts';
import type { UidRanges } from '../mail/uid-ranges.ts';
import type { Scanner } from '../wire/scanner.ts';

/** Where a session stands (RFC 9051 §3), as far as commands ask. */
export type SessionState = 'not-authenticated' | 'authenticated' | 'selected' | 'closing';

/** What the session does after the tagged response. */
export type Afterwards = 'logout' | 'starttls' | 'relay' | 'serve';

export interface Completion extends Status {
  readonly afterwards?: Afterwards;
}

/** What a command's handler may ask of its session. */
export interface CommandSession {
  readonly state: SessionState;
  /** Name in greetings, SASL and ID. */
  readonly serverName: string;
  /** Whether a password may be sent: TLS is on, or the listener was configured to do without. */
  readonly secure: boolean;
  readonly startTlsPossible: boolean;
  readonly mechanisms: readonly SaslMechanism[];
  /** What CAPABILITY answers now. */
  capabilities(): string;
  /** The client's ID, for logs and upstreams. */
  identify(client: IdParameters): void;
  /**
   * Sends a continuation request and reads the client's line.
   * @throws Malformed when the line is too long or the client leaves
   */
  converse(challenge: string): Promise<string>;
  /** What mechanisms may know of the connection. */
  readonly sasl: SaslContext;
  /** Proves the credentials and opens where they lead. @throws MailError; what a proof throws */
  login(credentials: Credentials): Promise<Completion>;
  /** The served mailboxes. Only for commands of the states `authenticated` and `selected`. */
  readonly mail: MailSession;
}

/** A served session, as its commands see it. */
export interface MailSession {
  readonly store: Store;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** The most octets a message may have. */
  readonly literalMost: number;
  /** Only for commands of the state `selected`. */
  readonly selected: SelectedMailbox;
  /** Opens a mailbox. Whatever is selected must have been left before. @throws MailError; nothing is selected then */
  select(name: string, readOnly: boolean): Promise<SelectedMailbox>;
  /** Leaves the selected mailbox, if there is one. @returns whether there was: the client is then told `* OK [CLOSED]` */
  unselect(): Promise<boolean>;
  /** Features that ENABLE may turn on. */
  readonly features: ReadonlySet<string>;
  /** Features that the client has turned on, in capitals: `CONDSTORE` (also by using it: RFC 7162 §3.1). */
  readonly enabled: ReadonlySet<string>;
  /** @returns whether it was not on yet */
  enable(feature: string): boolean;
  /** The literal on which a command of `streams` ended; undefined for others. */
  readonly upload: Upload | undefined;
  /**
   * Sends a continuation request, and tells what happens in the selected mailbox, if there is one, until the client says a line: which
   * is returned. @throws Malformed when it is too long
   */
  idle(): AsyncGenerator<string | Buffer, string, undefined>;
}

/** Octets that the client sends as a literal, pulled. */
export interface Upload {
  readonly size: number;
  /** The continuation request goes out at the first pull. */
  readonly source: AsyncIterable<Uint8Array>;
  /** What follows the literal in the same command, once it has been read: a line's end, or (MULTIAPPEND) more. */
  rest(): Promise<{ readonly scanner: Scanner; readonly upload: Upload | undefined }>;
}

/** The selected mailbox and what this session knows of it. */
export interface SelectedMailbox {
  readonly mailbox: Mailbox;
  readonly name: string;
  readonly readOnly: boolean;
  readonly uidValidity: number;
  /** The first unseen message when it was selected; undefined: there was none, or it would have cost too much to say. */
  readonly firstUnseen: Seq | undefined;
  /** Messages this session has been told of. */
  readonly exists: number;
  /** The uid after the last one it has been told of. */
  readonly uidNext: Uid;
  /** What the client may be told as HIGHESTMODSEQ: below every expunge it has not been told of. */
  readonly highestModSeq: ModSeq;
  /** Position in the change log up to which the client has been told. */
  readonly at: ModSeq;
  /** The messages that are \Recent to this session, and perhaps others of which it has not been told. */
  readonly recent: UidRanges;
  isRecent(uid: number): boolean;
  /** How many of those it has been told of are recent. */
  readonly recentCount: number;
  readonly keywords: readonly string[];
  readonly moreKeywords: boolean;
  /**
   * The messages that a set names, of those the client has been told of, expunges not told included; `*` is the last. UIDs that are
   * not there are left out. In an empty mailbox a set with `*` names nothing.
   * @throws Malformed when a sequence number is beyond the last (RFC 9051 §6.4.5 asks for BAD)
   */
  resolve(set: SequenceSet, byUid: boolean): Promise<UidRanges>;
  /** For one that `resolve` gave; undefined: it is not in the view. Call after `resolve` only. */
  seqOf(uid: number): Seq | undefined;
  /** Messages that are gone, and that the client has not been told of as gone. */
  readonly withheld: number;
  /**
   * Tells what has happened: EXPUNGE (only with `told`), EXISTS, RECENT, FLAGS, FETCH with flags. The command loop does so after each
   * command of the state `selected`; a command does where it must come before its tagged answer.
   * @param silent rows of this modseq need not be told, except for the uids of `except`: a STORE.SILENT's own; `whole`: not even
   * their modseq, which a FETCH has told with what it has changed
   */
  sync(
    expunges: 'told' | 'withheld',
    silent?: {
      readonly at: number;
      /** The mailbox's position just before it, where the change has brought no keyword. */
      readonly before?: number | undefined;
      readonly uids: UidRanges;
      readonly except: UidRanges;
      readonly whole?: true;
    },
  ): AsyncGenerator<string | Buffer, void, undefined>;
}
