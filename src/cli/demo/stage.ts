import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { Server } from '../../server/server.ts';
import { followLines, renderAuditLine } from './audit-lines.ts';
import { makeDemoCertificates } from './certificates.ts';
import { writeConfiguration } from './configuration.ts';
import { LdapServer } from './ldap-server.ts';
import { MailServer, MailServerError } from './mail-server.ts';
import { directoryEntries } from './people.ts';

export interface StageOptions {
  /** Of the front door; 0 = any that is free. */
  readonly port: number;
  /** Holds nothing, or an earlier demonstration. */
  readonly folder: string;
  /** Dovecot's program; undefined when it is not installed. */
  readonly dovecot: string | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Told of each login, a line with its line end. */
  readonly onLogin: (line: string) => void;
}

/** Why there is no old mail server, in words for the user, and what would help where the reason does not say so. */
export interface MissingMailServer {
  readonly missing: string;
  readonly mend?: string;
}

/** The whole set-up, running: a directory, an old mail server if there can be one, and Postern in front of it. */
export interface Stage {
  /** Of the front door. */
  readonly port: number;
  readonly configFile: string;
  readonly authorityFile: string;
  readonly directoryPort: number;
  /** "host:port" of /metrics. */
  readonly adminHttp: string | undefined;
  /** The mail server's version and port, or why there is none. */
  readonly mailServer: { readonly version: string; readonly port: number } | MissingMailServer;
  /** Lets sessions end and closes everything, the front door first. */
  close(): Promise<void>;
  /** Ends other processes at once, for when this one ends without `close`. */
  abandon(): void;
}

const INSTALL =
  'To see mail, install Dovecot (Debian, Ubuntu: apt install dovecot-imapd; stop the service it starts) and run the demonstration again.';

/** @throws when the front door cannot start (its port is taken, say); nothing runs then */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { folder, env } = options;
  /** What closes what has been opened so far; the last first. */
  const closing: (() => unknown)[] = [];
  const close = async () => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    const certificates = await makeDemoCertificates(join(folder, 'certs'));
    const servicePassword = randomBytes(18).toString('base64url');
    const entries = directoryEntries(servicePassword);
    const directory = await LdapServer.start({ entries, ...certificates.issued });
    closing.push(() => directory.close());
    const mailServerPort = await freePort();
    const mail = await startMailServer(options, mailServerPort, certificates);
    if (mail instanceof MailServer) closing.push(() => mail.stop());
    const places = { port: options.port, directoryPort: directory.port, mailServerPort, servicePassword };
    const configFile = writeConfiguration(folder, places);
    const server = await Server.start(loadConfig(configFile, env), env);
    closing.push(() => server.drain());
    const stopFollowing = followLines(join(folder, 'audit.log'), line => {
      const text = renderAuditLine(line);
      if (text !== undefined) options.onLogin(text);
    });
    closing.unshift(stopFollowing);
    return {
      port: Number(/\d+$/.exec(server.listeners[0]?.address ?? '')?.[0]),
      configFile,
      authorityFile: certificates.authority,
      directoryPort: directory.port,
      adminHttp: server.adminHttp,
      mailServer: mail instanceof MailServer ? { version: mail.version, port: mailServerPort } : mail,
      close,
      abandon: () => mail instanceof MailServer && mail.stopNow(),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startMailServer(
  { dovecot, folder }: StageOptions,
  port: number,
  { certificate, key }: { certificate: string; key: string },
): Promise<MailServer | MissingMailServer> {
  if (dovecot === undefined) return { missing: 'Dovecot is not installed', mend: INSTALL };
  try {
    return await MailServer.start({ program: dovecot, folder, port, certificate, key });
  } catch (error) {
    if (error instanceof MailServerError) return { missing: error.message };
    throw error;
  }
}

/** A loopback port that nobody listens on, for a server that cannot be given port 0. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
