import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import type { CliIo } from './command.ts';

/** A login attempt as the audit log has it; of what else a line holds, nothing is used. */
const loginLine = z.object({
  audit: z.literal('login'),
  time: z.string(),
  listener: z.string(),
  address: z.string(),
  mechanism: z.string(),
  given: z.string(),
  outcome: z.string(),
  tls: z.string().optional(),
  cipher: z.string().optional(),
  clientId: z.string().optional(),
  login: z.string().optional(),
  account: z.string().optional(),
  directory: z.string().optional(),
  proof: z.string().optional(),
  upstream: z.string().optional(),
  upstreamLogin: z.string().optional(),
});

export type LoginLine = z.output<typeof loginLine>;

/** In UTF-16 units; lines of the audit log stay far below. */
const LONGEST = 64 * 1024;

/** A log cannot be read; the message is for the administrator. */
export class LogUnreadable extends Error {
  override readonly name = 'LogUnreadable';
}

/** What was left out while reading. */
export interface Skipped {
  /** Lines that are no JSON, or say "login" and lack what belongs to one. */
  lines: number;
}

/**
 * The login attempts of audit logs, in the order of the files and lines. A name that ends in `.gz` is unpacked; `-` is standard input.
 * Other events, and lines of the ordinary log in the same file, are passed over.
 * @throws LogUnreadable
 */
export async function* loginLines(
  files: readonly string[],
  { cwd, stdin }: Pick<CliIo, 'cwd' | 'stdin'>,
  skipped: Skipped,
): AsyncGenerator<LoginLine> {
  for (const file of files) {
    const source: NodeJS.ReadableStream = file === '-' ? stdin : createReadStream(resolve(cwd, file));
    try {
      for await (const text of linesOf(file.endsWith('.gz') ? unpacked(source) : source)) {
        const line = parseLine(text, skipped);
        if (line) yield line;
      }
    } catch (error) {
      throw new LogUnreadable(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

/** Fails with its source. */
function unpacked(source: NodeJS.ReadableStream): NodeJS.ReadableStream {
  const gunzip = createGunzip();
  pipeline(source, gunzip, () => {});
  return gunzip;
}

/** A line that is longer than any of ours comes cut, and so is none. */
async function* linesOf(source: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk)))).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST);
    yield* lines;
  }
  yield rest + decoder.end();
}

function parseLine(text: string, skipped: Skipped): LoginLine | undefined {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    skipped.lines += 1;
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('audit' in value) || value.audit !== 'login') return undefined;
  const parsed = loginLine.safeParse(value);
  if (parsed.success) return parsed.data;
  skipped.lines += 1;
  return undefined;
}
