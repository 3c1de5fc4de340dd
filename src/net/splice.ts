import type { Channel } from './channel.ts';

/** How long the second half may stay silent after the first half ended, before both are closed. */
const LINGER_MS = 60_000;

/**
 * How long a server behind TLS must have been silent before it is told that the client ended its half. Dovecot 2.3 takes the end of
 * the client's TLS for the end of the connection and drops the answers it still had: those to LOGOUT and whatever was before it.
 */
const TLS_END_DELAY_MS = 2000;

export interface SpliceOptions {
  /** Sees every chunk on its way; for the protocol trace and byte counts. Must not keep the bytes. */
  readonly onClientBytes?: ((bytes: Buffer) => void) | undefined;
  readonly onServerBytes?: ((bytes: Buffer) => void) | undefined;
  readonly linger?: number;
  readonly tlsEndDelay?: number;
}

/** Who ended a relayed connection, and how. */
export interface SpliceEnd {
  readonly by: 'client' | 'upstream';
  readonly error: Error | undefined;
}

/**
 * Joins two connections until both directions have ended. Nothing is parsed and nothing queued: a reader that does not keep up
 * stops the writer on the other side. The end of one direction is passed on as an end (half-close), so that what the other side still
 * has to say arrives, towards a server behind TLS when it has fallen silent; an error closes both at once.
 */
export function splice(client: Channel, upstream: Channel, options: SpliceOptions = {}): Promise<SpliceEnd> {
  return new Promise(resolve => {
    let first: SpliceEnd | undefined;
    let linger: NodeJS.Timeout | undefined;
    let delayedEnd: NodeJS.Timeout | undefined;
    let serverEnded = false;
    let open = 2;

    const passEnd = (to: Channel): void => {
      if (!to.closed && !to.socket.writableEnded) to.end();
    };
    const ended = (by: SpliceEnd['by'], from: Channel, to: Channel): void => {
      first ??= { by, error: from.error };
      if (by === 'upstream') {
        serverEnded = true;
        // It has nothing more to say: no reason to wait.
        if (delayedEnd) passEnd(from);
      }
      if (from.error) to.destroy();
      else if (by === 'client' && 'encrypted' in to.socket && !serverEnded)
        delayedEnd ??= setTimeout(() => passEnd(to), options.tlsEndDelay ?? TLS_END_DELAY_MS).unref();
      else passEnd(to);
      linger ??= setTimeout(() => {
        client.destroy();
        upstream.destroy();
      }, options.linger ?? LINGER_MS).unref();
    };
    const closed = (by: SpliceEnd['by'], from: Channel, to: Channel): void => {
      ended(by, from, to);
      open -= 1;
      if (open > 0) return;
      clearTimeout(linger);
      clearTimeout(delayedEnd);
      resolve(first ?? { by, error: from.error });
    };
    const join = (
      by: SpliceEnd['by'],
      from: Channel,
      to: Channel,
      tap: ((bytes: Buffer) => void) | undefined,
    ): void => {
      const out = to.socket;
      out.on('drain', () => {
        if (from.paused) from.resume();
      });
      from.flow(
        (bytes, release) => {
          tap?.(bytes);
          linger?.refresh();
          delayedEnd?.refresh();
          if (out.destroyed || out.writableEnded) {
            // Nobody is left to read it; the other side is on its way out, too.
            release?.();
            return true;
          }
          to.bytesOut += bytes.length;
          return release ? out.write(bytes, release) : out.write(bytes);
        },
        () => ended(by, from, to),
      );
      if (from.closed) closed(by, from, to);
      else from.socket.once('close', () => closed(by, from, to));
    };
    join('upstream', upstream, client, options.onServerBytes);
    join('client', client, upstream, options.onClientBytes);
  });
}
