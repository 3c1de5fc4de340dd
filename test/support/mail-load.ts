import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { ImapClient } from './imap-client.ts';

/** A message as a load believes it to be kept. The uid is undefined while nobody has told it. */
export interface LoadedMessage {
  readonly digest: string;
  readonly flags: readonly string[];
  readonly uid: number | undefined;
}

/** Two mailboxes, in the order of their UIDs. */
export type Belief = readonly [readonly LoadedMessage[], readonly LoadedMessage[]];

interface Step {
  readonly name: string;
  readonly after: Belief;
  /** Sends the command; returns the uids that were given, of those in `after` that have none. */
  readonly act: (client: ImapClient) => Promise<readonly number[]>;
}

const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft', '$Work', '$Later'];
/** Above this a load rather removes than adds. */
const MANY = 30;

/**
 * One session's random APPEND, STORE, COPY, MOVE and EXPUNGE over two mailboxes of its own, and what it has been promised: the
 * state after the last command that was acknowledged, and that which the one under way leads to.
 */
export class MailLoad {
  readonly #names: readonly [string, string];
  #belief: Belief = [[], []];
  #next: Belief | undefined;
  /** What was promised at any time, the first state first; kept when it is there. */
  past: Belief[] | undefined;
  /** How many commands were acknowledged, by name. */
  readonly acknowledged = new Map<string, number>();
  underWay = '';

  constructor(name: string) {
    this.#names = [`${name}-a`, `${name}-b`];
  }

  async create(client: ImapClient): Promise<void> {
    for (const name of this.#names) await ok(client, `CREATE ${name}`);
  }

  /** Goes on until the connection breaks or the server refuses. Returns why. */
  async run(client: ImapClient): Promise<string> {
    try {
      for (;;) await this.step(client);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** One random command, answered. @throws when it is not */
  async step(client: ImapClient): Promise<void> {
    const from = randomInt(2) === 0 ? 0 : 1;
    await ok(client, `SELECT ${this.#names[from]}`);
    const step = this.#choose(from);
    this.underWay = step.name;
    this.#next = step.after;
    const uids = [...(await step.act(client))];
    const number = (message: LoadedMessage) =>
      message.uid === undefined ? { ...message, uid: uids.shift() } : message;
    this.#belief = [step.after[0].map(number), step.after[1].map(number)];
    this.#next = undefined;
    this.past?.push(this.#belief);
    this.acknowledged.set(step.name, (this.acknowledged.get(step.name) ?? 0) + 1);
  }

  /**
   * Compares with what the server has, and takes that over.
   * @returns what is wrong; undefined when it is what was promised
   */
  async verify(client: ImapClient): Promise<string | undefined> {
    const found = [await read(client, this.#names[0]), await read(client, this.#names[1])] as const;
    const possible = this.#next ? [this.#belief, this.#next] : [this.#belief];
    const before = this.#belief;
    this.#belief = found;
    this.#next = undefined;
    if (possible.some(belief => agrees(belief[0], found[0]) && agrees(belief[1], found[1]))) return undefined;
    return JSON.stringify({ underWay: this.underWay, promised: before, orElse: possible[1], found }, null, 1);
  }

  /** Which of the states of `past` the server has; -1 when it is none of them. */
  async find(client: ImapClient): Promise<number> {
    const found = [await read(client, this.#names[0]), await read(client, this.#names[1])] as const;
    return (this.past ?? []).findIndex(belief => agrees(belief[0], found[0]) && agrees(belief[1], found[1]));
  }

  /** Contents in the two mailboxes. */
  get digests(): readonly string[] {
    return this.#belief.flatMap(messages => messages.map(({ digest }) => digest));
  }

  #choose(from: 0 | 1): Step {
    const here = this.#belief[from];
    const kind = here.length === 0 ? 0 : randomInt(here.length > MANY ? 3 : 0, 8);
    if (kind <= 2) return this.#append(from);
    if (kind <= 3) return this.#expunge(from);
    if (kind <= 5) return this.#store(from);
    return kind === 6 && here.length <= MANY ? this.#copy(from) : this.#move(from);
  }

  #append(to: 0 | 1): Step {
    const bytes = message();
    const flags = some(FLAGS);
    const one = { digest: digestOf(bytes), flags, uid: undefined };
    return {
      name: 'APPEND',
      after: this.#with(to, [...this.#belief[to], one]),
      act: async client => {
        const { tagged } = await client.command(
          `APPEND ${this.#names[to]} (${flags.join(' ')}) {${bytes.length}+}`,
          bytes,
        );
        return uidsOf(/ OK \[APPENDUID \d+ ([\d:,]+)\]/.exec(tagged)?.[1], tagged);
      },
    };
  }

  #store(from: 0 | 1): Step {
    const chosen = this.#some(from);
    const flags = some(FLAGS);
    const sign = ['+', '-', ''][randomInt(3)] ?? '';
    const change = (old: readonly string[]) => {
      if (sign === '') return flags;
      const rest = old.filter(flag => !flags.includes(flag));
      return sign === '-' ? rest : [...rest, ...flags];
    };
    const silent = randomInt(2) === 0 ? '.SILENT' : '';
    return {
      name: 'STORE',
      after: this.#with(
        from,
        this.#belief[from].map(old => (chosen.includes(old) ? { ...old, flags: change(old.flags) } : old)),
      ),
      act: async client => {
        await ok(client, `UID STORE ${set(chosen)} ${sign}FLAGS${silent} (${flags.join(' ')})`);
        return [];
      },
    };
  }

  #copy(from: 0 | 1): Step {
    const chosen = this.#some(from);
    const to = from === 0 ? 1 : 0;
    const copies = chosen.map(old => ({ ...old, uid: undefined }));
    return {
      name: 'COPY',
      after: this.#with(to, [...this.#belief[to], ...copies]),
      act: async client => {
        const { tagged } = await client.command(`UID COPY ${set(chosen)} ${this.#names[to]}`);
        return uidsOf(/ OK \[COPYUID \d+ [\d:,]+ ([\d:,]+)\]/.exec(tagged)?.[1], tagged);
      },
    };
  }

  #move(from: 0 | 1): Step {
    const chosen = this.#some(from);
    const to = from === 0 ? 1 : 0;
    const moved = chosen.map(old => ({ ...old, uid: undefined }));
    const stays = this.#belief[from].filter(old => !chosen.includes(old));
    const comes = [...this.#belief[to], ...moved];
    return {
      name: 'MOVE',
      after: from === 0 ? [stays, comes] : [comes, stays],
      act: async client => {
        const { tagged, untagged } = await client.command(`UID MOVE ${set(chosen)} ${this.#names[to]}`);
        if (!/ OK /.test(tagged)) throw new Error(tagged);
        const told = untagged.map(line => /\[COPYUID \d+ [\d:,]+ ([\d:,]+)\]/.exec(line)?.[1]).find(Boolean);
        return uidsOf(told, tagged);
      },
    };
  }

  /** Marks some as \Deleted, which is acknowledged, and expunges them. */
  #expunge(from: 0 | 1): Step {
    const chosen = this.#some(from);
    return {
      name: 'EXPUNGE',
      after: this.#with(
        from,
        // Those that a kill has left marked go as well.
        this.#belief[from].filter(old => !chosen.includes(old) && !old.flags.includes('\\Deleted')),
      ),
      act: async client => {
        const gone = this.#next;
        const marked = this.#belief[from].map(old =>
          chosen.includes(old) ? { ...old, flags: [...new Set([...old.flags, '\\Deleted'])] } : old,
        );
        this.#next = this.#with(from, marked);
        await ok(client, `UID STORE ${set(chosen)} +FLAGS.SILENT (\\Deleted)`);
        this.#belief = this.#next;
        this.past?.push(this.#belief);
        this.#next = gone;
        await ok(client, 'EXPUNGE');
        return [];
      },
    };
  }

  #with(which: 0 | 1, messages: readonly LoadedMessage[]): Belief {
    return which === 0 ? [messages, this.#belief[1]] : [this.#belief[0], messages];
  }

  /** One to ten of the messages that are next to each other, in their order. */
  #some(from: 0 | 1): readonly LoadedMessage[] {
    const here = this.#belief[from];
    const begin = randomInt(here.length);
    return here.slice(begin, begin + randomInt(1, 11));
  }
}

async function ok(client: ImapClient, command: string): Promise<readonly string[]> {
  const { tagged, untagged } = await client.command(command);
  if (!/^\S+ OK/.test(tagged)) throw new Error(`${command}: ${tagged}`);
  return untagged;
}

/** All that there is, content compared by its digest. */
async function read(client: ImapClient, name: string): Promise<LoadedMessage[]> {
  await ok(client, `EXAMINE ${name}`);
  const lines = await ok(client, 'UID FETCH 1:* (UID FLAGS RFC822.SIZE BODY.PEEK[])');
  await ok(client, 'UNSELECT');
  return lines.flatMap(line => {
    const head = /^\* \d+ FETCH \(/.exec(line);
    if (!head) return [];
    const literal = /BODY\[\] \{(\d+)\}\r\n/.exec(line);
    const size = Number(literal?.[1]);
    const begin = (literal?.index ?? 0) + (literal?.[0].length ?? 0);
    const bytes = Buffer.from(line.slice(begin, begin + size), 'latin1');
    const rest = line.slice(0, literal?.index) + line.slice(begin + size);
    if (Number(/RFC822\.SIZE (\d+)/.exec(rest)?.[1]) !== size) throw new Error(`sizes differ: ${rest}`);
    const flags = (/FLAGS \(([^)]*)\)/.exec(rest)?.[1] ?? '').split(' ').filter(flag => flag && flag !== '\\Recent');
    return [{ digest: digestOf(bytes), flags, uid: Number(/UID (\d+)/.exec(rest)?.[1]) }];
  });
}

/** Whether what was found is what was promised; uids that nobody was told may be any, as long as they ascend. */
function agrees(promised: readonly LoadedMessage[], found: readonly LoadedMessage[]): boolean {
  if (promised.length !== found.length) return false;
  let last = 0;
  return promised.every(({ digest, flags, uid }, index) => {
    const other = found[index];
    const ascends = (other?.uid ?? 0) > last;
    last = other?.uid ?? 0;
    const same = other?.digest === digest && (uid === undefined || other.uid === uid);
    return same && ascends && [...flags].sort().join() === [...(other?.flags ?? [])].sort().join();
  });
}

/** `1:3,7` as numbers. */
function uidsOf(text: string | undefined, answer: string): readonly number[] {
  if (text === undefined) throw new Error(`no uids were told: ${answer}`);
  return text.split(',').flatMap(item => {
    const [first = 0, last = first] = item.split(':').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function set(messages: readonly LoadedMessage[]): string {
  return messages.map(({ uid }) => uid).join(',');
}

function some<T>(from: readonly T[]): readonly T[] {
  return from.filter(() => randomInt(3) === 0);
}

/** Mostly small, sometimes of several frames, and like no other. */
function message(): Buffer {
  const size = randomInt(10) === 0 ? randomInt(300_000) : randomInt(3000);
  const body = randomBytes(Math.ceil(size / 2))
    .toString('hex')
    .replace(/.{76}/g, '$&\r\n');
  const id = randomBytes(12).toString('hex');
  return Buffer.from(`From: load@example.org\r\nSubject: ${id}\r\nMessage-ID: <${id}@example.org>\r\n\r\n${body}\r\n`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 24);
}
