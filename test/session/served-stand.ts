import { expect } from 'vitest';
import { MemoryAccount } from '../support/memory-store.ts';
import { ServedClient } from './served-client.ts';
import { type OpenOptions, SessionStand } from './session-stand.ts';

/** Sessions that are served from one account on plain arrays. */
export class ServedStand extends SessionStand {
  readonly account = new MemoryAccount({ folders: { Sent: '\\Sent' } });

  /** A client that has logged in. */
  enter(options: Partial<OpenOptions> = {}): Promise<ServedClient> {
    return ServedClient.enter(this, { store: this.account.open(), ...options });
  }

  /** A client with INBOX selected, and so many messages in it. */
  async inbox(messages: number, options: Partial<OpenOptions> = {}): Promise<ServedClient> {
    const client = await this.enter(options);
    for (let count = 0; count < messages; count += 1) await append(client);
    await client.ok('SELECT INBOX');
    return client;
  }

  /** Nothing of any session is left, and the log speaks of so many errors. */
  async nothingLeft(errors = 0): Promise<void> {
    expect(this.sessions.size).toBe(0);
    expect(Object.values(await this.gauges()).filter(count => count !== 0)).toEqual([]);
    expect(this.log.filter(({ level }) => Number(level) >= 50)).toHaveLength(errors);
  }
}

export async function append(client: ServedClient, mailbox = 'INBOX', flags = ''): Promise<void> {
  await client.ok(`APPEND ${mailbox} (${flags}) {14+}\r\nSubject: x\r\n\r\n`);
}
