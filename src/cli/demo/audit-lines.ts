import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { z } from 'zod';

const LOOK_MS = 150;
const CHUNK = 64 * 1024;

const auditLine = z.object({
  time: z.string(),
  audit: z.string(),
  given: z.string().default(''),
  login: z.string().optional(),
  outcome: z.string().default(''),
  detail: z.string().optional(),
  address: z.string().optional(),
  tls: z.string().optional(),
  mechanism: z.string().optional(),
  clientId: z.string().optional(),
  proof: z.string().optional(),
  upstream: z.string().optional(),
  server: z.string().optional(),
  milliseconds: z.number().optional(),
  msg: z.string().default(''),
});

/** One line of the audit log for people: who came from where, and what became of it. Undefined when it is none. */
export function renderAuditLine(line: string): string | undefined {
  const parsed = auditLine.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { time, audit, outcome, detail, given, login, milliseconds, msg, ...event } = parsed.data;
  const clock = new Date(time).toTimeString().slice(0, 8);
  if (audit !== 'login') return `${clock}  ${msg}\n`;
  const how = [event.tls ?? 'no TLS', event.mechanism, event.clientId].filter(Boolean).join(', ');
  const who = `${login ?? given} from ${event.address} (${how})`;
  const took = `${milliseconds ?? 0} ms`;
  if (outcome === 'ok') {
    const proof = event.proof === 'cache' ? 'password known from before' : 'password proven by LDAP';
    const where =
      event.upstream === undefined ? 'mailboxes served here' : `relayed to ${event.upstream} at ${event.server}`;
    return `${clock}  LOGIN    ${who}: ${proof}, ${where}, ${took}\n`;
  }
  return `${clock}  REFUSED  ${who}: ${outcome}${detail === undefined ? '' : ` (${detail})`}, ${took}\n`;
}

/**
 * Calls back for each whole line that is added to a file from now on. Looks several times a second: watching a file misses changes on some file
 * systems. @returns a function that stops, after a last look
 */
export function followLines(file: string, onLine: (line: string) => void): () => void {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.alloc(CHUNK);
  let rest: Buffer = Buffer.alloc(0);
  let at = fstatSync(descriptor).size;
  const read = () => readSync(descriptor, buffer, 0, CHUNK, at);
  const look = () => {
    for (let length = read(); length > 0; length = read()) {
      at += length;
      rest = Buffer.concat([rest, buffer.subarray(0, length)]);
      for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
        onLine(rest.toString('utf8', 0, end));
        rest = rest.subarray(end + 1);
      }
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    look();
    closeSync(descriptor);
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
