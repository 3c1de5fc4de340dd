import { Dovecot } from '../../support/dovecot.ts';
import { startServedDoor } from '../../support/served-door.ts';
import { PASSWORD, userName } from '../directory.ts';
import type { Measured } from '../meter.ts';

/** A server that keeps mail itself. */
export interface StoreServer {
  /** Its IMAPS port. */
  readonly port: number;
  readonly processes: readonly Measured[];
  /** Ends it and starts it again on the same mail, perhaps on another port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface StoreKind {
  readonly name: 'postern' | 'dovecot';
  readonly title: string;
  start(dist: boolean): Promise<StoreServer>;
}

/** Users of the benchmark: the first has the large mailbox. */
export const USERS = 9;

export const STORES: readonly StoreKind[] = [
  {
    name: 'postern',
    title: 'Postern',
    async start(dist) {
      const users = Array.from({ length: USERS }, (_, index) => ({ login: userName(index), password: PASSWORD }));
      const postern = await startServedDoor({ dist, users, listeners: [{ address: '127.0.0.1:0', tls: 'implicit' }] });
      return {
        get port() {
          return postern.port();
        },
        get processes() {
          return [{ label: 'postern', pid: postern.pid }];
        },
        restart: async () => {
          await postern.stop();
          await postern.start();
        },
        stop: async () => {
          await postern.stop();
          await postern.remove();
        },
      };
    },
  },
  {
    name: 'dovecot',
    title: 'Dovecot (sdbox)',
    async start() {
      // Its best setting: messages in files of their own beside an index; synced as it thinks right; processes used again.
      const dovecot = await Dovecot.start({
        anyUserWith: PASSWORD,
        compress: false,
        extra: 'mail_location = sdbox:~/sdbox\nmail_fsync = optimized\nservice imap {\n  service_count = 200\n}\n',
      });
      return {
        port: dovecot.ports.tls,
        get processes() {
          return [{ label: 'dovecot', pid: dovecot.pid }];
        },
        restart: () => dovecot.restart(),
        stop: () => dovecot.remove(),
      };
    },
  },
];
