/** Capabilities in the order announced; compared without regard to case (RFC 9051 §7.2.2). */
export class Capabilities {
  readonly names: readonly string[];
  readonly #upper: ReadonlySet<string>;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#upper = new Set(names.map(name => name.toUpperCase()));
  }

  /** From `CAPABILITY IMAP4rev1 ...` or `IMAP4rev1 ...`. */
  static parse(text: string): Capabilities {
    return new Capabilities(
      text
        .trim()
        .replace(/^CAPABILITY\s+/i, '')
        .split(/\s+/)
        .filter(name => name !== ''),
    );
  }

  has(name: string): boolean {
    return this.#upper.has(name.toUpperCase());
  }

  toString(): string {
    return this.names.join(' ');
  }
}
