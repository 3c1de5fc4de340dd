import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { Server } from '../../server/server.ts';
import { followLines, renderAuditLine } from './audit-lines.ts';
import { makeDemoCertificates } from './certificates.ts';
import { CommandLines } from './command-lines.ts';
import { writeConfiguration } from './configuration.ts';
import { fill } from './fill.ts';
import { LdapServer } from './ldap-server.ts';
import { demoLetters } from './letters.ts';
import { directoryEntries } from './people.ts';

export interface StageOptions {
  /** Of the front door; 0 = any that is free. */
  readonly port: number;
  /** Holds nothing, or an earlier demonstration. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Told of what is being done, then of each login and command; lines with their line ends. */
  readonly tell: (line: string) => void;
}

/** The whole set-up, running: a directory, and Postern with mail. */
export interface Stage {
  /** Of the front door. */
  readonly port: number;
  readonly configFile: string;
  readonly authorityFile: string;
  readonly directoryPort: number;
  /** "host:port" of /metrics. */
  readonly adminHttp: string | undefined;
  /** How many messages were made; those of an earlier demonstration are not counted. */
  readonly letters: string;
  /** A message to be uploaded. */
  readonly letterFile: string;
  /** Lets sessions end and closes everything, the front door first. */
  close(): Promise<void>;
}

const LETTER = 'From: Alice Arnesen <alice@example.org>\r\nSubject: An idea\r\n\r\nHello, Bob!\r\n';

/** @throws when the front door cannot start (its port is taken, say); nothing runs then */
export async function setStage(options: StageOptions): Promise<Stage> {
  const { folder, env, tell } = options;
  /** What closes what has been opened so far; the last first. */
  const closing: (() => unknown)[] = [];
  const close = async () => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    tell('Making certificates ...\n');
    const certificates = await makeDemoCertificates(join(folder, 'certs'));
    tell('Starting the LDAP directory ...\n');
    const servicePassword = randomBytes(18).toString('base64url');
    const entries = directoryEntries(servicePassword);
    const directory = await LdapServer.start({ entries, ...certificates.issued });
    closing.push(() => directory.close());
    const places = { port: options.port, directoryPort: directory.port, servicePassword };
    const configFile = writeConfiguration(folder, places);
    const isNew = !existsSync(join(folder, 'data'));
    tell('Starting Postern ...\n');
    const server = await Server.start(loadConfig(configFile, env), env, new CommandLines(tell));
    closing.push(() => server.drain());
    const letters = isNew ? demoLetters(new Date()) : [];
    if (isNew) {
      tell('Writing letters ...\n');
      await fill(account => server.openStore(account), letters, new AbortController().signal);
    }
    const letterFile = join(folder, 'letter.eml');
    writeFileSync(letterFile, LETTER);
    const stopFollowing = followLines(join(folder, 'audit.log'), line => {
      const text = renderAuditLine(line);
      if (text !== undefined) tell(text);
    });
    closing.unshift(stopFollowing);
    return {
      port: Number(/\d+$/.exec(server.listeners[0]?.address ?? '')?.[0]),
      configFile,
      authorityFile: certificates.authority,
      directoryPort: directory.port,
      adminHttp: server.adminHttp,
      letters: isNew ? String(letters.length) : 'the earlier',
      letterFile,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
