import type { AccountId } from '../../mail/ids.ts';
import type { Logger } from '../../observe/log.ts';
import type { Blobs } from '../blobs/blobs.ts';
import type { Bus } from '../bus/bus.ts';
import type { Index } from '../index/index-port.ts';
import type { Scanner } from '../search/scanner.ts';
import type { EngineSettings } from './settings.ts';

/** What the engine stands on. All but the blobs stay their owner's: close them after the engine. */
export interface EngineParts {
  readonly index: Index;
  /** Opens the blobs of one account, made when there are none; closed by the engine. */
  readonly blobs: (account: AccountId) => Promise<Blobs>;
  readonly bus: Bus;
  readonly scanner: Scanner;
  readonly log: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly random?: (octets: number) => Uint8Array;
  /**
   * Asked before the first octet of a message is pulled, and not asked for what comes by COPY.
   * @throws MailError `over-quota`, `no-space`
   */
  readonly room?: (account: AccountId, octets: number) => Promise<void>;
  readonly settings?: Partial<EngineSettings>;
}
