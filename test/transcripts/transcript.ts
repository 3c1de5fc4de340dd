import { parse } from 'yaml';
import { z } from 'zod';

const section = z.record(z.string(), z.unknown());
const kind = z.enum(['none', 'starttls', 'implicit']);

/** What stands above the first dialogue of a file, in YAML. */
const head = z.strictObject({
  /** Where clients connect unless they say otherwise; all three are there. */
  listener: kind.default('none'),
  users: z
    .array(z.looseObject({ login: z.string(), password: z.string() }))
    .default([{ login: 'alice', password: 'secret' }]),
  limits: section.optional(),
  authentication: section.optional(),
  routes: z.array(section).optional(),
  /** Keys of the upstream. */
  upstream: section.optional(),
  /** How the mail server greets when Postern starts and looks what it can. */
  probe: z.string().optional(),
  /** How it greets at every login; false: the dialogues say it themselves. */
  greeting: z.union([z.string(), z.literal(false)]).default('* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready'),
});

export type TranscriptHead = z.output<typeof head>;

/** C: the client says. S: Postern says to it. P: Postern says to the mail server. U: that says. A: the audit log says. */
export type Speaker = 'C' | 'S' | 'P' | 'U' | 'A';

export interface Step {
  readonly speaker: Speaker;
  /** Which client or upstream connection, counted from 1. */
  readonly connection: number;
  readonly text: string;
  readonly line: number;
}

export interface Dialogue {
  readonly title: string;
  readonly steps: readonly Step[];
}

export interface Transcript {
  readonly head: TranscriptHead;
  readonly dialogues: readonly Dialogue[];
}

const STEP = /^([CSPUA])(\d?): ?(.*)$/;

/**
 * Reads a transcript: YAML, then dialogues, each under a line `== title`. Lines that begin with `#` are comments.
 * @throws Error with the line that makes no sense
 */
export function parseTranscript(text: string): Transcript {
  const lines = text.split('\n');
  const begin = lines.findIndex(line => line.startsWith('== '));
  if (begin === -1) throw new Error('no dialogue');
  const dialogues: { title: string; steps: Step[] }[] = [];
  for (const [index, line] of lines.entries()) {
    if (index < begin || line === '' || line.startsWith('#')) continue;
    if (line.startsWith('== ')) {
      dialogues.push({ title: line.slice(3), steps: [] });
      continue;
    }
    const [, speaker, connection = '', said = ''] = STEP.exec(line) ?? [];
    if (!isSpeaker(speaker)) throw new Error(`line ${index + 1} is no step: ${line}`);
    dialogues.at(-1)?.steps.push({ speaker, connection: Number(connection || 1), text: said, line: index + 1 });
  }
  const empty = dialogues.find(({ steps }) => steps.length === 0);
  if (empty) throw new Error(`nothing is said under "${empty.title}"`);
  return { head: head.parse(parse(lines.slice(0, begin).join('\n')) ?? {}), dialogues };
}

function isSpeaker(text: string | undefined): text is Speaker {
  return text !== undefined && 'CSPUA'.includes(text);
}

const PLACE = /\{(\*|tag|nocrlf|0x[0-9a-f]+|repeat [^}]+ \d+|b64 [^}]*)\}/g;

/** The bytes that a speaker's line stands for, its line end included. @param tag what `{tag}` stands for */
export function bytesOf(text: string, tag = ''): Buffer {
  const line = text.endsWith('{nocrlf}') ? text : `${text}\r\n`;
  const parts = split(line).map(part => (part.place ? bytesOfPlace(part.text, tag) : Buffer.from(part.text)));
  return Buffer.concat(parts);
}

/** What an expected line looks like, over text whose characters are bytes. The first group is the tag. */
export function patternOf(text: string): RegExp {
  const parts = split(text).map(part => {
    if (part.place && part.text === '*') return '.*';
    if (part.place && part.text === 'tag') return '(\\S+)';
    const bytes = part.place ? bytesOfPlace(part.text, '') : Buffer.from(part.text);
    return bytes.toString('latin1').replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`, 's');
}

function split(text: string): { place: boolean; text: string }[] {
  return text.split(PLACE).map((part, index) => ({ place: index % 2 === 1, text: part }));
}

function bytesOfPlace(place: string, tag: string): Buffer {
  const [name = '', ...rest] = place.split(' ');
  if (name === 'tag') return Buffer.from(tag);
  if (name === 'nocrlf') return Buffer.alloc(0);
  if (name === 'b64') return Buffer.from(Buffer.from(rest.join(' ').replaceAll('\\0', '\0')).toString('base64'));
  if (name === 'repeat')
    return Buffer.from(
      rest
        .slice(0, -1)
        .join(' ')
        .repeat(Number(rest.at(-1))),
    );
  return Buffer.from(name.slice(2), 'hex');
}
