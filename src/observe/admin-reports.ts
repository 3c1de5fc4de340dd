import { z } from 'zod';

/**
 * What the admin socket answers. The server builds these, the command line checks what it reads against them, so that an older
 * command fails plainly at a newer server's answer instead of printing nonsense. Additional keys are let through.
 */
const problem = z.object({
  file: z.string(),
  line: z.number(),
  column: z.number(),
  path: z.string(),
  message: z.string(),
  mend: z.string(),
});

const serverState = z.object({
  server: z.string(),
  state: z.enum(['unknown', 'up', 'down']),
  reason: z.string().optional(),
});

const serverGroup = z.object({ name: z.string(), servers: z.array(serverState) });

const phase = z.enum(['handshake', 'login', 'relay', 'serve', 'closing']);

/** One session, as `postern sessions` lists it. */
export const sessionView = z.object({
  id: z.string(),
  login: z.string().optional(),
  account: z.string().optional(),
  address: z.string(),
  port: z.number(),
  listener: z.string(),
  /** TLS version, or null in clear. */
  secure: z.string().nullable(),
  phase,
  upstream: z.string().optional(),
  server: z.string().optional(),
  /** The one that is selected, of a served session. */
  mailbox: z.string().optional(),
  clientId: z.string().optional(),
  /** ISO time. */
  since: z.string(),
  seconds: z.number(),
  bytesIn: z.number(),
  bytesOut: z.number(),
});

export const statusReport = z.object({
  version: z.string(),
  pid: z.number(),
  /** Seconds. */
  uptime: z.number(),
  /** The configuration in use. */
  config: z.string(),
  draining: z.boolean(),
  listeners: z.array(z.object({ name: z.string(), address: z.string(), tls: z.string(), connections: z.number() })),
  sessions: z.record(phase, z.number()),
  directories: z.array(serverGroup),
  upstreams: z.array(serverGroup),
  certificates: z.array(
    z.object({ file: z.string(), names: z.array(z.string()), notAfter: z.string(), daysLeft: z.number() }),
  ),
  /** What mail is served from; absent when no route leads to a store. */
  store: z
    .object({
      data: z.string(),
      /** Accounts held open, and sessions that have one. */
      accounts: z.number(),
      stores: z.number(),
      /** Octets left in the file system. */
      free: z.number().optional(),
      /** Why nothing can be written. */
      fault: z.string().optional(),
    })
    .optional(),
  /** Bytes. */
  memory: z.object({ resident: z.number(), heap: z.number(), external: z.number() }),
});

export const reloadReport = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    /** What is different now; empty when nothing is. */
    applied: z.array(z.string()),
    /** What is different in the file and waits for a restart. */
    needsRestart: z.array(z.string()),
    warnings: z.array(problem),
  }),
  z.object({ ok: z.literal(false), problems: z.array(problem) }),
]);

export const traceState = z.object({
  by: z.enum(['login', 'address']),
  value: z.string(),
  until: z.string(),
  sessions: z.number(),
  open: z.number(),
});

/** Of `trace`: where the files are, and what was switched off. */
export const traceResult = z.object({ directory: z.string(), removed: z.number().optional() });

/** Of `copy-index`: a file that belongs to who asked for it. */
export const copyIndexReport = z.object({ path: z.string() });

const remembered = z.object({
  entry: z.string(),
  /** Milliseconds. */
  age: z.number(),
});

/** Of `login-state`: what the server remembers of a login, and of one from an address. */
export const loginStateReport = z.object({
  /** After normalisation; absent when it cannot be one. */
  login: z.string().optional(),
  /** A password of it was proven, and is still trusted, in an outage at least. */
  proven: remembered.optional(),
  /** The same of its entry alone, for app passwords. */
  entry: remembered.optional(),
  /** Milliseconds; absent when no address was named. */
  throttle: z.object({ hold: z.number(), delay: z.number() }).optional(),
  /** By this login, and how many its account may have. */
  sessions: z.number(),
  sessionsMost: z.number(),
});

/** Of `revoke`: the login after normalisation, sessions that were ended, accounts of which something was known. */
export const revokeResult = z.object({ login: z.string(), sessions: z.number(), accounts: z.array(z.string()) });

export const kickResult = z.object({ kicked: z.number() });

export type SessionView = z.output<typeof sessionView>;
export type StatusReport = z.output<typeof statusReport>;
export type ReloadReport = z.output<typeof reloadReport>;
export type CopyIndexReport = z.output<typeof copyIndexReport>;
export type LoginStateReport = z.output<typeof loginStateReport>;
export type RevokeResult = z.output<typeof revokeResult>;
export type TraceResult = z.output<typeof traceResult>;
