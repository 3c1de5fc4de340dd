import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { type CliIo, UsageError } from './command.ts';

export const DEFAULT_CONFIG = '/etc/postern/postern.yaml';
const DEFAULT_SOCKET = '/run/postern/admin.sock';

/** A running server that says nothing for so long is given up. */
const SILENCE_MS = 60_000;
/** One line of an answer; a status of a large installation stays far below. */
const MOST_LINE = 16 * 1024 * 1024;

/** The options every command takes that talks to a running server. */
export const ADMIN_OPTIONS = { config: { type: 'string' }, socket: { type: 'string' } } as const;

export const ADMIN_USAGE = `  --config FILE   configuration that names the admin socket (default ${DEFAULT_CONFIG})
  --socket PATH   the admin socket itself
`;

/** The running server refused, or could not be asked; the message is for the administrator. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
}

/** There is no server to ask. */
export class NotRunning extends AdminError {}

/**
 * Where the server of this configuration listens for commands. Reads no more than that one key, so that a configuration which is
 * otherwise wrong can still be reloaded and be told so.
 * @throws AdminError when the file cannot be read
 */
export function readAdminSocket(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new AdminError(`${messageOf(error)}; name the configuration with --config, or the socket with --socket`);
  }
  const socket: unknown = parseDocument(text, { logLevel: 'silent' }).getIn(['admin', 'socket']);
  return typeof socket === 'string' && socket !== '' ? resolve(dirname(file), socket) : DEFAULT_SOCKET;
}

/** The socket that a command line's `--socket` or `--config` leads to. @throws UsageError when there are both */
export function adminSocketOf(values: { config?: string | undefined; socket?: string | undefined }, io: CliIo): string {
  if (values.socket !== undefined && values.config !== undefined) throw new UsageError('either --config or --socket');
  if (values.socket !== undefined) return resolve(io.cwd, values.socket);
  return readAdminSocket(resolve(io.cwd, values.config ?? DEFAULT_CONFIG));
}

/** What a request holds, with its `command`. */
export type AdminCall = Readonly<Record<string, unknown>> & { readonly command: string };

/**
 * Asks the running server.
 * @param onRow called for each row, in order
 * @returns the result, unchecked
 * @throws AdminError when nobody answers, this user may not, or the server refuses
 */
export async function callAdmin(
  path: string,
  request: AdminCall,
  onRow: (row: unknown) => void = () => {},
): Promise<unknown> {
  const socket = connect(path);
  try {
    await connected(socket, path);
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error(`no answer within ${SILENCE_MS / 1000} s`)));
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of lines(socket)) {
      const message = parseMessage(line);
      if ('row' in message) onRow(message.row);
      else if ('done' in message) return message.done;
      else throw new AdminError(typeof message.error === 'string' ? message.error : 'refused without a reason');
    }
    throw new AdminError('the server ended the connection without an answer');
  } catch (error) {
    throw error instanceof AdminError ? error : new AdminError(messageOf(error), { cause: error });
  } finally {
    socket.destroy();
  }
}

/** @throws AdminError when the answer has another shape: command and server are of different versions */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new AdminError(
    'the server answers in a way this version does not understand; use the command of the version that runs',
  );
}

/** Runs a command's work and turns an AdminError into its text and status 1. */
export async function reportingFailure(io: CliIo, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    io.stderr(`postern: ${error.message}\n`);
    return 1;
  }
}

function connected(socket: Socket, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', (error: NodeJS.ErrnoException) =>
      reject(new (isAbsence(error) ? NotRunning : AdminError)(connectFailure(error, path), { cause: error })),
    );
  });
}

function isAbsence({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

function connectFailure(error: NodeJS.ErrnoException, path: string): string {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `Postern is not running: nobody answers on ${path}`;
    case 'EACCES':
    case 'EPERM':
      return `no permission to use ${path}; run this as root or as the user Postern runs as`;
    case 'ENOTSOCK':
      return `${path} is not a socket`;
    default:
      return `cannot reach Postern on ${path}: ${error.message}`;
  }
}

async function* lines(socket: Socket): AsyncGenerator<string> {
  let parts: string[] = [];
  let size = 0;
  socket.setEncoding('utf8');
  for await (const chunk of socket) {
    let text = String(chunk);
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n')) {
      yield parts.join('') + text.slice(0, end);
      parts = [];
      size = 0;
      text = text.slice(end + 1);
    }
    parts.push(text);
    size += text.length;
    if (size > MOST_LINE) throw new AdminError('the answer is not one of a Postern server');
  }
}

function parseMessage(line: string): { row: unknown } | { done: unknown } | { error: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null) {
    if ('row' in value) return { row: value.row };
    if ('done' in value) return { done: value.done };
    if ('error' in value) return { error: value.error };
  }
  throw new AdminError('the answer is not one of a Postern server');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
