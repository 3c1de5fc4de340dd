import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { CliCommand } from '../../src/cli/command.ts';

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with files, in which commands are run within this process. */
export class CommandStand {
  readonly folder = mkdtempSync(join(tmpdir(), 'postern-command-'));
  env: NodeJS.ProcessEnv = {};

  /** @returns its path */
  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** What commands read from standard input. */
  stdin = '';

  async run(command: CliCommand, ...args: readonly string[]): Promise<CommandResult> {
    let [stdout, stderr] = ['', ''];
    const status = await command.run(args, {
      stdin: Readable.from(this.stdin === '' ? [] : [Buffer.from(this.stdin)]),
      stdout: text => {
        stdout += text;
      },
      stderr: text => {
        stderr += text;
      },
      env: this.env,
      cwd: this.folder,
    });
    return { status, stdout, stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Users of a file; all have a password that nobody knows. */
export const USERS = `users:
  - login: alice
    password: "$argon2id$v=19$m=19456,t=2,p=1$Dbt2iGkp1d7aA/3HQKbIFw$7yFDOMhyLKz0fk6dZIy2ApKCIWMgcgQUkuEK8Zel6ZE"
    mail: alice@example.org
    host: old
    groups: [staff]
    attributes: { department: Research }
  - login: bob
    password: "$argon2id$v=19$m=19456,t=2,p=1$Dbt2iGkp1d7aA/3HQKbIFw$7yFDOMhyLKz0fk6dZIy2ApKCIWMgcgQUkuEK8Zel6ZE"
    host: old
  - login: carol
    password: "$argon2id$v=19$m=19456,t=2,p=1$Dbt2iGkp1d7aA/3HQKbIFw$7yFDOMhyLKz0fk6dZIy2ApKCIWMgcgQUkuEK8Zel6ZE"
    groups: [staff]
`;

/** Two listeners, the second with a name and an address that a route names. */
export const STATIC_CONFIG = `server: { name: mail.example.org, data: data }
listeners:
  - { address: "127.0.0.1:1143", tls: none }
  - { address: "127.0.0.1:1144", tls: none, name: inner }
directories:
  people: { kind: static, file: users.yaml }
authentication:
  directories: [people]
  login: { case: lower }
upstreams:
  old: { servers: ["127.0.0.1:31143"], tls: none }
  new: { servers: ["127.0.0.1:32143"], tls: none }
routes:
  - when: { listener: "127.0.0.1:1144" }
    relay: new
  - when: { host: "*" }
    relay: "{host}"
  - refuse: "Your mailbox is not set up yet."
`;
