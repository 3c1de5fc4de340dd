import { once } from 'node:events';
import { until } from '../support/processes.ts';
import type { OpenOptions, OpenSession, SessionStand } from './session-stand.ts';

/** A logged-in client of a served session, which says lines and looks at what comes back. */
export class ServedClient {
  readonly session: OpenSession;
  #tags = 0;
  #read = 0;

  /** Greeted and logged in. */
  static async enter(stand: SessionStand, options: OpenOptions): Promise<ServedClient> {
    const session = await stand.open(options);
    await until('the greeting', () => session.heard().endsWith('\r\n'));
    const client = new ServedClient(session);
    client.unread();
    await client.ok('LOGIN ada secret');
    return client;
  }

  constructor(session: OpenSession) {
    this.session = session;
    session.client.once('end', () => session.client.end());
  }

  /** What has come since the last look. */
  unread(): string {
    const heard = this.session.heard();
    const news = heard.slice(this.#read);
    this.#read = heard.length;
    return news;
  }

  write(text: string): void {
    this.session.client.write(Buffer.from(text, 'latin1'));
  }

  /** Executes a command. @returns the lines up to the tagged one, whose tag is left out */
  async say(command: string): Promise<string[]> {
    this.#tags += 1;
    const tag = `t${this.#tags}`;
    this.write(`${tag} ${command}\r\n`);
    return await this.answer(tag);
  }

  async answer(tag: string): Promise<string[]> {
    const from = this.#read;
    const end = new RegExp(`(?:^|\\r\\n)${tag} [^\\r]*\\r\\n$`);
    await until(`the answer to ${tag}`, () => end.test(this.session.heard().slice(from)));
    const lines = this.unread().split('\r\n').slice(0, -1);
    return lines.map(line => (line.startsWith(`${tag} `) ? line.slice(tag.length + 1) : line));
  }

  /** @returns the untagged lines @throws when it is not answered OK */
  async ok(command: string): Promise<string[]> {
    const lines = await this.say(command);
    const tagged = lines.at(-1) ?? '';
    if (!tagged.startsWith('OK')) throw new Error(`${command}: ${lines.join(' | ')}`);
    return lines.slice(0, -1);
  }

  /** Waits until what has come since the last look fits. */
  async hears(what: string | RegExp): Promise<string> {
    const from = this.#read;
    const fits = () => {
      const news = this.session.heard().slice(from);
      return typeof what === 'string' ? news.includes(what) : what.test(news);
    };
    await until(String(what), fits);
    return this.unread();
  }

  async leave(): Promise<void> {
    this.session.client.end();
    if (!this.session.client.destroyed) await once(this.session.client, 'close');
    await this.session.done;
  }
}
