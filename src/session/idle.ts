import { MailError } from '../mail/mail-error.ts';
import type { Store } from '../mail/store.ts';
import type { Selection } from './selection.ts';

export interface IdleOptions {
  /** The client's next line. */
  readonly line: Promise<string>;
  readonly store: Store;
  /** Undefined: nothing is selected, and nothing can happen. */
  readonly selection: Selection | undefined;
  /** Milliseconds of silence after which something is said: routers forget connections on which nothing passes. */
  readonly keepalive: number;
}

/**
 * IDLE (RFC 2177): tells what happens in a mailbox, as it happens, until the client speaks. Wakes carry nothing: what has happened is
 * pulled, by the same function that NOOP uses. What cannot be pulled now is tried again, and told of only when the client has spoken: an
 * answer before would leave its line to be taken for a command.
 * @returns the client's line
 * @throws MailError `gone` at once; others, if the last look failed, after the line
 */
export async function* idle(options: IdleOptions): AsyncGenerator<string | Buffer, string, undefined> {
  const { store, selection, keepalive } = options;
  const bell = new Bell();
  const over = new AbortController();
  let said: { line: string } | undefined;
  options.line.then(
    line => {
      said = { line };
      bell.ring();
    },
    error => bell.fail(error),
  );
  let woken = true;
  let trouble: MailError | undefined;
  if (selection) {
    // Before the first look, so that nothing falls in between.
    const wakes = store.watch({ mailbox: selection.mailbox.id }, over.signal);
    hear(wakes, () => {
      woken = true;
      bell.ring();
    }).catch(error => bell.fail(error));
  }
  let silent = false;
  const timer = setInterval(() => {
    silent = true;
    bell.ring();
  }, keepalive);
  timer.unref();
  try {
    yield '+ idling\r\n';
    while (!said) {
      if (silent) {
        silent = false;
        woken ||= trouble !== undefined;
        yield '* OK Still here\r\n';
      }
      if (woken && selection) {
        woken = false;
        trouble = undefined;
        try {
          for await (const piece of selection.sync('told')) {
            timer.refresh();
            yield piece;
          }
        } catch (error) {
          if (!(error instanceof MailError) || error.kind === 'gone') throw error;
          trouble = error;
        }
      }
      await bell.rung();
    }
    if (trouble) throw trouble;
    return said.line;
  } finally {
    clearInterval(timer);
    over.abort();
  }
}

async function hear(wakes: AsyncIterable<unknown>, onWake: () => void): Promise<void> {
  for await (const _ of wakes) onWake();
}

/** Wakes one sleeper; rings while nobody sleeps count as one. */
class Bell {
  #rung = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure = { error };
    this.ring();
  }

  /** Resolves at the next ring, or at once when it has rung since the last time. @throws what it failed with */
  async rung(): Promise<void> {
    if (!this.#rung) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    this.#rung = false;
    this.#wake = undefined;
    if (this.#failure) throw this.#failure.error;
  }
}
