import type { AccountId } from '../mail/ids.ts';

/** An app password that was shown when it was tried; `name` is what its owner calls the device. */
export interface AppPasswordMark {
  readonly id: string;
  readonly name: string;
}

/** What is known of whoever presents an app password. */
export interface AppPasswordUse {
  /** IP address of the client. */
  readonly address: string;
  readonly protocol: 'imap';
}

export type AppPasswordVerdict =
  | { readonly valid: true; readonly mark: AppPasswordMark }
  /** @property reason for the log and explain */
  | { readonly valid: false; readonly reason: string };

/** What SCRAM needs of one app password (RFC 5802 §3). All those of an account have the same salt and iterations. */
export interface AppPasswordVerifier {
  readonly mark: AppPasswordMark;
  readonly salt: Buffer;
  readonly iterations: number;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** The app passwords of all accounts, as logins use them. */
export interface AppPasswords {
  /** Whether this is one of ours by its form, so that it must never be shown to a directory. */
  recognises(password: string): boolean;
  /** Proves one, and notes its use. @throws AuthError misconfigured when what is kept cannot be read */
  verify(account: AccountId, password: string, use: AppPasswordUse): Promise<AppPasswordVerdict>;
  /** Those that may be used now from there, for SCRAM-SHA-256. Tell `noteUse` of the one that was proven. @throws AuthError */
  verifiers(account: AccountId, use: AppPasswordUse): Promise<readonly AppPasswordVerifier[]>;
  noteUse(account: AccountId, id: string, use: AppPasswordUse): void;
  /** Whether it is still there and has not expired; the address does not matter. @throws AuthError */
  holds(account: AccountId, id: string): Promise<boolean>;
}
