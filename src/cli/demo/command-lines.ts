import { Conversation } from '../../observe/conversation.ts';
import { printable } from '../../observe/printable.ts';
import type { TracedSession, Tracer } from '../../observe/protocol-trace.ts';

/** How much of a command and of its answer is shown. */
const MOST_COMMAND = 100;
const MOST_ANSWER = 60;

/**
 * Shows people what sessions say after their login, a line for each command: what was asked, how it was answered, with how many
 * responses, how long it took.
 */
export class CommandLines {
  readonly #tell: (line: string) => void;
  readonly #now: () => number;

  /** @param now milliseconds since 1970 */
  constructor(tell: (line: string) => void, now: () => number = Date.now) {
    this.#tell = tell;
    this.#now = now;
  }

  /** Nothing is shown before the login: the audit log tells of that. */
  wants(login: string): boolean {
    return login !== '';
  }

  open({ login }: TracedSession): Tracer {
    const commands = new Map<string, { text: string; begun: number; responses: number }>();
    const say = (text: string) => {
      const clock = new Date(this.#now()).toTimeString().slice(0, 8);
      this.#tell(`${clock}  ${login.padEnd(7)}  ${printable(text)}\n`);
    };
    const asked = (text: string) => {
      const space = text.indexOf(' ');
      // The end of a literal, DONE, or what is hidden.
      if (space === -1 || text.startsWith(' ') || text.startsWith('<')) return;
      const command = text.slice(space + 1);
      if (commands.size < 100) commands.set(text.slice(0, space), { text: command, begun: this.#now(), responses: 0 });
      if (/^IDLE$/i.test(command)) say('IDLE: waits for news');
    };
    const answered = (text: string) => {
      const [, tag = '', answer = ''] = /^(\S+) (.*)$/.exec(text) ?? [];
      if (tag === '*') {
        for (const command of commands.values()) command.responses += 1;
        return;
      }
      const command = commands.get(tag);
      if (!command) return;
      commands.delete(tag);
      const responses = command.responses === 1 ? '1 response' : `${command.responses} responses`;
      const took = `${Math.round(this.#now() - command.begun)} ms`;
      say(`${cut(command.text, MOST_COMMAND)}  ->  ${cut(answer, MOST_ANSWER)} (${responses}, ${took})`);
    };
    const conversation = new Conversation((side, text) => (side === 'C' ? asked(text) : answered(text)));
    return {
      client: chunk => conversation.client(chunk),
      server: chunk => conversation.server(chunk),
      end: () => say('has left'),
    };
  }
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
