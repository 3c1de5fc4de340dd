import type { PasswordCredentials, SaslMechanism } from '../auth/sasl/mechanism.ts';
import type { IdParameters } from '../imap/id.ts';
import type { Status } from '../imap/status.ts';

/** Where a session stands (RFC 9051 §3), as far as commands ask. */
export type SessionState = 'not-authenticated' | 'closing';

/** What the session does after the tagged response. */
export type Afterwards = 'logout' | 'starttls' | 'relay';

export interface Completion extends Status {
  readonly afterwards?: Afterwards;
}

/** What a command's handler may ask of its session. */
export interface CommandSession {
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
  /** Proves the credentials and opens where they lead. @throws MailError */
  login(credentials: PasswordCredentials): Promise<Completion>;
}
