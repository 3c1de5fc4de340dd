import { expect } from 'vitest';
import type { Selection } from '../../src/session/selection.ts';

export interface BelievedMessage {
  /** Undefined: told by EXISTS, and not asked for yet. */
  uid: number | undefined;
  flags: string | undefined;
}

/** What a client believes that only listens (RFC 9051 §7.3, §7.5); every response is checked against what it believes already. */
export class BelievingClient {
  readonly messages: BelievedMessage[] = [];
  recent = 0;
  modSeq = 0;
  keywords = '';
  readonly #selection: Selection;

  constructor(selection: Selection, uids: readonly number[], flags: (uid: number) => string) {
    this.#selection = selection;
    this.messages = uids.map(uid => ({ uid, flags: flags(uid) }));
    expect(selection.exists).toBe(uids.length);
    this.recent = selection.recentCount;
    this.modSeq = selection.highestModSeq;
  }

  /** Hears what a sync tells. */
  async sync(expunges: 'told' | 'withheld', silent?: Parameters<Selection['sync']>[1]): Promise<string[]> {
    const lines: string[] = [];
    for await (const piece of this.#selection.sync(expunges, silent)) {
      expect(piece).toMatch(/\r\n$/);
      lines.push(...piece.split('\r\n').slice(0, -1));
    }
    for (const line of lines) this.#hear(line, expunges);
    expect(this.#selection.exists).toBe(this.messages.length);
    expect(this.#selection.recentCount).toBe(this.recent);
    this.modSeq = this.#selection.highestModSeq;
    return lines;
  }

  /** Asks which the messages are that it does not know, as FETCH would. */
  async ask(flags: (uid: number) => string | undefined): Promise<void> {
    for (const [index, message] of this.messages.entries()) {
      const [range, ...others] = await this.#selection.resolve([[index + 1, index + 1]], false);
      expect(others).toEqual([]);
      expect(range?.[0]).toBe(range?.[1]);
      const uid = range?.[0];
      message.uid ??= uid;
      expect(uid).toBe(message.uid);
      expect(this.#selection.seqOf(uid ?? 0)).toBe(index + 1);
      message.flags ??= flags(uid ?? 0);
    }
    expect(this.recent).toBe(this.uids.filter(uid => this.#selection.isRecent(uid ?? 0)).length);
  }

  get uids(): (number | undefined)[] {
    return this.messages.map(({ uid }) => uid);
  }

  #hear(line: string, expunges: 'told' | 'withheld'): void {
    const [, number = '', what = '', rest = ''] =
      /^\* (\d+) (EXISTS|RECENT|EXPUNGE|FETCH)(?: \((.*)\))?$/.exec(line) ?? [];
    const n = Number(number);
    if (what === 'EXISTS') {
      expect(n).toBeGreaterThan(this.messages.length);
      while (this.messages.length < n) this.messages.push({ uid: undefined, flags: undefined });
    } else if (what === 'RECENT') {
      expect(n).toBeLessThanOrEqual(this.messages.length);
      this.recent = n;
    } else if (what === 'EXPUNGE') {
      expect(expunges).toBe('told');
      expect(n).toBeGreaterThan(0);
      expect(n).toBeLessThanOrEqual(this.messages.length);
      this.messages.splice(n - 1, 1);
    } else if (what === 'FETCH') this.#hearFetch(n, rest);
    else if (line.startsWith('* FLAGS ')) this.keywords = line;
    else expect(line).toMatch(/^\* OK \[PERMANENTFLAGS /);
  }

  #hearFetch(n: number, items: string): void {
    const [, uid = '', flags] = /^UID (\d+)(?: FLAGS \(([^)]*)\))?(?: MODSEQ \(\d+\))?$/.exec(items) ?? [];
    const message = this.messages[n - 1];
    if (!message) throw new Error(`FETCH of message ${n} of ${this.messages.length}`);
    message.uid ??= Number(uid);
    expect(message.uid).toBe(Number(uid));
    if (flags !== undefined) message.flags = withoutRecent(flags);
  }
}

export function withoutRecent(flags: string): string {
  return flags.replace(/ ?\\Recent/, '');
}
