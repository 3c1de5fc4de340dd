import { ImapClient } from '../support/imap-client.ts';
import type { LogLine, RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import type { ScriptedUpstream, UpstreamConnection } from '../support/scripted-upstream.ts';
import { bytesOf, type Dialogue, patternOf, type Step, type TranscriptHead } from './transcript.ts';

export interface Stage {
  readonly head: TranscriptHead;
  readonly postern: RunningPostern;
  readonly upstream: ScriptedUpstream;
  /** Writes every byte of client and mail server by itself. */
  readonly byteByByte: boolean;
}

/**
 * Plays one dialogue, step by step. Lines in a row of one speaker go out in one write. At the end everything that anybody has
 * said must have been expected.
 * @throws Error that names the line and shows the conversation
 */
export async function play({ steps }: Dialogue, stage: Stage): Promise<void> {
  stage.upstream.forget();
  const conversation = new Conversation(stage);
  let current: Step | undefined;
  try {
    for (const flight of flights(steps)) {
      [current] = flight;
      await conversation.perform(flight);
    }
    current = steps.at(-1);
    conversation.expectNothingMore();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`line ${current?.line}: ${message}\n${conversation.heard.join('\n')}`, { cause: error });
  } finally {
    conversation.end();
  }
}

/** Steps that are performed at once: what one speaker says in a row, or one expectation. */
function flights(steps: readonly Step[]): Step[][] {
  const flights: Step[][] = [];
  for (const step of steps) {
    const previous = flights.at(-1)?.at(-1);
    const joined =
      previous !== undefined &&
      (step.speaker === 'C' || step.speaker === 'U') &&
      previous.speaker === step.speaker &&
      previous.connection === step.connection &&
      !isAction(step) &&
      !isAction(previous);
    if (joined) flights.at(-1)?.push(step);
    else flights.push([step]);
  }
  return flights;
}

const isAction = ({ text }: Step): boolean => /^<.+>$/.test(text);

interface Client {
  readonly imap: ImapClient;
  greeting: string | undefined;
  /** Its own port, by which the audit log tells clients apart. */
  readonly port: number | undefined;
  /** Lines of the audit log that were expected so far. */
  audited: number;
}

interface Far {
  readonly connection: UpstreamConnection;
  tag: string;
}

class Conversation {
  /** What was said so far, for the reader of a failure. */
  readonly heard: string[] = [];
  readonly #stage: Stage;
  readonly #clients = new Map<number, Client>();
  readonly #far = new Map<number, Far>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async perform(flight: readonly Step[]): Promise<void> {
    const [step] = flight;
    if (!step) return;
    switch (step.speaker) {
      case 'C':
        return isAction(step) ? this.#act(step) : this.#say(flight);
      case 'S':
        return this.#expectOfServer(step);
      case 'U':
        return this.#answer(flight);
      case 'P':
        return this.#expectOfPostern(step);
      case 'A':
        return this.#expectAudit(step);
    }
  }

  /** @throws when somebody said what no step expects */
  expectNothingMore(): void {
    for (const [number, { imap, greeting }] of this.#clients) {
      const left = greeting === undefined ? imap.unread : greeting;
      if (left !== '') throw new Error(`nobody expected that S${number} says ${JSON.stringify(left.slice(0, 300))}`);
    }
    for (const [number, { connection }] of this.#far) {
      if (connection.unread !== '') {
        throw new Error(`nobody expected that P${number} says ${JSON.stringify(connection.unread.slice(0, 300))}`);
      }
    }
    const connections = this.#stage.upstream.connections.length;
    if (connections > this.#far.size) throw new Error(`${connections} connections to the upstream were not expected`);
  }

  end(): void {
    for (const { imap } of this.#clients.values()) imap.close();
    this.#stage.upstream.forget();
  }

  async #say(flight: readonly Step[]): Promise<void> {
    const client = await this.#client(flight[0]?.connection ?? 1, 'says');
    this.#note(flight);
    await client.imap.write(Buffer.concat(flight.map(({ text }) => bytesOf(text))));
  }

  async #act({ connection, text }: Step): Promise<void> {
    const [action = '', argument] = text.slice(1, -1).split(' ');
    if (action === 'connect') {
      await this.#connect(connection, argument ?? '');
      return;
    }
    const { imap } = await this.#client(connection, 'says');
    this.heard.push(`C${connection}: ${text}`);
    if (action === 'tls') await imap.handshake();
    else if (action === 'end') imap.socket.end();
    else if (action === 'close') imap.close();
    else if (action === 'reset') imap.socket.resetAndDestroy();
    else throw new Error(`no client can <${action}>`);
  }

  async #expectOfServer({ connection, text }: Step): Promise<void> {
    const client = await this.#client(connection, 'hears');
    if (text === '<closed>') {
      const rest = await client.imap.readToEnd();
      if (rest !== '') throw new Error(`expected the end, got ${JSON.stringify(rest)}`);
      this.heard.push(`S${connection}: <closed>`);
      return;
    }
    const line = client.greeting ?? (await client.imap.readLine());
    client.greeting = undefined;
    this.#compare(`S${connection}`, line, text);
  }

  async #answer(flight: readonly Step[]): Promise<void> {
    const [step] = flight;
    if (!step) return;
    const { connection, tag } = await this.#upstream(step.connection);
    this.#note(flight);
    if (step.text === '<close>') {
      connection.destroy();
      return;
    }
    if (step.text === '<end>') {
      connection.socket.end();
      return;
    }
    const bytes = Buffer.concat(flight.map(({ text }) => bytesOf(text, tag))).toString('latin1');
    try {
      if (!this.#stage.byteByByte) await connection.write(bytes);
      else for (const byte of bytes) await connection.write(byte);
    } catch {
      // Nobody listens any more: a server does not learn that before it has spoken.
    }
  }

  async #expectOfPostern({ connection: number, text }: Step): Promise<void> {
    const far = await this.#upstream(number);
    if (text === '<closed>') {
      await far.connection.ended();
      this.heard.push(`P${number}: <closed>`);
      return;
    }
    // Bytes without a line end of their own stand before whatever comes next.
    const bare = text.endsWith('{nocrlf}') ? text.slice(0, -'{nocrlf}'.length) : undefined;
    const line =
      bare === undefined
        ? await far.connection.readLine()
        : await far.connection.readBytes(bytesOf(`${bare}{nocrlf}`).length);
    const match = this.#compare(`P${number}`, line, bare ?? text);
    far.tag = match[1] ?? far.tag;
  }

  async #expectAudit({ connection, text }: Step): Promise<void> {
    const client = await this.#client(connection, 'says');
    const wanted = [...text.matchAll(/(\w+)=("[^"]*"|\S+)/g)].map(
      ([, key = '', value = '']) => [key, value.replace(/^"|"$/g, '')] as const,
    );
    const audits = () => this.#stage.postern.log.filter(line => line.audit !== undefined && line.port === client.port);
    await until('a line of the audit log', () => audits().length > client.audited);
    const line = audits()[client.audited] ?? {};
    client.audited += 1;
    this.heard.push(`A${connection}: ${JSON.stringify(line)}`);
    const wrong = wanted.find(([key, value]) => shown(line, key) !== value);
    if (wrong) throw new Error(`expected ${text}, got ${wrong[0]}=${shown(line, wrong[0])}`);
  }

  #compare(who: string, line: string, expected: string): RegExpExecArray {
    this.heard.push(`${who}: ${line}`);
    const match = patternOf(expected).exec(line);
    if (!match) throw new Error(`${who}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(line)}`);
    return match;
  }

  async #client(number: number, first: 'says' | 'hears'): Promise<Client> {
    const client = this.#clients.get(number) ?? (await this.#connect(number, this.#stage.head.listener));
    // Who speaks first has seen the greeting and thinks nothing of it.
    if (first === 'says' && client.greeting?.startsWith('* OK ')) client.greeting = undefined;
    return client;
  }

  async #connect(number: number, listener: string): Promise<Client> {
    const imap = await ImapClient.connect({
      port: this.#stage.postern.port(listener),
      tls: listener === 'implicit' ? 'implicit' : 'none',
      byteByByte: this.#stage.byteByByte,
    });
    const client = { imap, greeting: imap.greeting, port: imap.socket.localPort, audited: 0 };
    this.#clients.set(number, client);
    return client;
  }

  async #upstream(number: number): Promise<Far> {
    const known = this.#far.get(number);
    if (known) return known;
    const far = { connection: await this.#stage.upstream.connection(number - 1), tag: '' };
    this.#far.set(number, far);
    const { greeting } = this.#stage.head;
    if (greeting !== false) await far.connection.write(`${greeting}\r\n`);
    return far;
  }

  #note(flight: readonly Step[]): void {
    for (const { speaker, connection, text } of flight) this.heard.push(`${speaker}${connection}: ${text}`);
  }
}

function shown(line: LogLine, key: string): string {
  const value = line[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}
