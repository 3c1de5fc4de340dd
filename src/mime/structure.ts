/**
 * What a message is made of, as plain data: it may be stored or sent to another thread. Every string here is in wire form, one
 * character (U+0000 to U+00FF) for each byte: encoded words and charsets are left as they came.
 */
export interface Structure {
  /** Bytes of the message as stored. */
  readonly size: number;
  readonly root: Part;
  /** Which limits cut something off. */
  readonly cut: readonly CutLimit[];
}

export type CutLimit = 'parts' | 'depth' | 'boundary' | 'field' | 'fields' | 'parameters' | 'addresses' | 'languages';

/** Bytes from `start` up to, not including, `end`, counted from the message's first byte. */
export interface Extent {
  readonly start: number;
  readonly end: number;
  /** Line feeds in it. */
  readonly lines: number;
  /** Those of them without a CR before: so many more bytes it has with CRLF everywhere. */
  readonly bareLineFeeds: number;
}

/**
 * `multipart`: its parts are the children. `message`: message/rfc822 or message/global, its one child is the message. `text`: text/*.
 * `other`: all the rest, containers too deep to look into among them.
 */
export type PartKind = 'text' | 'multipart' | 'message' | 'other';

export interface Part {
  readonly kind: PartKind;
  /** With the empty line that ends it, if there is one. */
  readonly header: Extent;
  /** Without the line end that belongs to the next boundary. */
  readonly body: Extent;
  readonly content: Content;
  /** Of a message: the root, or what lies in a part of kind `message`. */
  readonly envelope: Envelope | undefined;
  readonly children: readonly Part[];
}

export interface Parameter {
  readonly name: string;
  readonly value: string;
}

/** The Content-* fields of a part. What is not there, or cannot be read, is undefined. */
export interface Content {
  /** As written; undefined means the default (RFC 2045 §5.2, RFC 2046 §5.1.5 under multipart/digest). */
  readonly type: string | undefined;
  readonly subtype: string | undefined;
  readonly parameters: readonly Parameter[];
  readonly id: string | undefined;
  readonly description: string | undefined;
  readonly encoding: string | undefined;
  readonly md5: string | undefined;
  readonly disposition: { readonly type: string; readonly parameters: readonly Parameter[] } | undefined;
  readonly languages: readonly string[];
  readonly location: string | undefined;
}

/**
 * As IMAP's address structure (RFC 9051 §7.5.2): a group opens with one that has only a mailbox, its name, and ends with one that
 * has nothing.
 */
export interface Address {
  readonly name: string | undefined;
  readonly route: string | undefined;
  readonly mailbox: string | undefined;
  readonly domain: string | undefined;
}

/** Fields that are missing are undefined, empty lists of addresses also stand for a missing field. */
export interface Envelope {
  readonly date: string | undefined;
  readonly subject: string | undefined;
  readonly from: readonly Address[];
  readonly sender: readonly Address[];
  readonly replyTo: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly inReplyTo: string | undefined;
  readonly messageId: string | undefined;
}
