declare const brand: unique symbol;

/**
 * Opaque key of an account: made from a directory's name and an immutable id in it, never from a login, so that all of a user's
 * logins reach one account and two directories never share one.
 */
export type AccountId = string & { readonly [brand]: 'AccountId' };

/** Whether a text, from a file name or a database say, has the form of an account id: 128 bits in base32, 26 characters. */
export function isAccountId(text: string): text is AccountId {
  // The last character holds the 3 bits that are left, padded with zeros.
  return /^[a-z2-7]{25}[aeimquy4]$/.test(text);
}

/** A mailbox within its account; kept through renames, never used again. */
export type MailboxId = number & { readonly [brand]: 'MailboxId' };

/** Unique identifier of a message in its mailbox (RFC 9051 §2.3.1.1): 1 to 2^32 - 1. */
export type Uid = number & { readonly [brand]: 'Uid' };

/** Message sequence number (RFC 9051 §2.3.1.2): from 1. Only a session's view of a mailbox knows any. */
export type Seq = number & { readonly [brand]: 'Seq' };

/**
 * Mod-sequence (RFC 7162 §3.1). It begins with the wall clock's microseconds, so that a number holds it exactly until the year 2255;
 * what a client sends beyond that (63 bits are allowed) is later than everything there is.
 */
export type ModSeq = number & { readonly [brand]: 'ModSeq' };

export const LAST_UID = 0xffff_ffff as Uid;
