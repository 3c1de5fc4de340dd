import { randomBytes, scryptSync } from 'node:crypto';
import { stringify } from 'yaml';
import { Dovecot, type DovecotOptions } from './dovecot.ts';
import { ImapClient, type ImapClientOptions } from './imap-client.ts';
import { type LogLine, type PosternOptions, type RunningPostern, startPostern } from './postern.ts';
import { until } from './processes.ts';
import { RecordingProxy } from './recording-proxy.ts';
import { type TestCertificate, testCa } from './test-ca.ts';

/** A user of the static directory: the password, or more. */
export type StandUser = string | Readonly<{ password: string; host?: string; groups?: readonly string[] }>;

/** Keys of the configuration file, as far as relays need others than the stand's own. */
export interface RelayChoices {
  /** Keys of each upstream, by its name. */
  readonly upstreams: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Default: everybody to the first upstream. */
  readonly routes?: readonly unknown[];
  /** Default: alice and bob, both with "secret". */
  readonly users?: Readonly<Record<string, StandUser>>;
  readonly authentication?: Readonly<Record<string, unknown>>;
  readonly limits?: Readonly<Record<string, unknown>>;
  /** What is shown to clients. Default: `good` of the test authority. */
  readonly certificate?: TestCertificate;
  readonly nodeOptions?: PosternOptions['nodeOptions'];
}

export type ListenerKind = 'implicit' | 'starttls' | 'none';

/** Postern in front of Dovecots, and everything a test starts beside them; `close` ends it all. */
export class RelayStand {
  readonly #cleanups: (() => unknown)[] = [];

  async dovecot(options: DovecotOptions = {}): Promise<Dovecot> {
    const dovecot = await Dovecot.start(options);
    this.#cleanups.push(() => dovecot.remove());
    return dovecot;
  }

  async proxy(port: number): Promise<RecordingProxy> {
    const proxy = await RecordingProxy.start({ port });
    this.#cleanups.push(() => proxy.stop());
    return proxy;
  }

  async postern(choices: RelayChoices): Promise<RunningPostern> {
    const { nodeOptions = [] } = choices;
    const files = { 'users.yaml': usersFile(choices.users) };
    const postern = await startPostern(await relayConfig(choices), { files, nodeOptions });
    this.#cleanups.push(() => postern.remove());
    return postern;
  }

  /** A client that has read the greeting. The server is verified. */
  async client(
    postern: RunningPostern,
    tls: ListenerKind = 'implicit',
    options: Partial<ImapClientOptions> = {},
  ): Promise<ImapClient> {
    const { pem } = await testCa();
    const tlsOptions = { ca: pem, rejectUnauthorized: true };
    const client = await ImapClient.connect({ port: postern.port(tls), tls, tlsOptions, ...options });
    this.#cleanups.push(() => client.close());
    return client;
  }

  /** A client that has logged in. */
  async login(
    postern: RunningPostern,
    user = 'alice',
    { tls, ...options }: Partial<ImapClientOptions> = {},
  ): Promise<ImapClient> {
    const client = await this.client(postern, tls, options);
    const { tagged } = await client.command(`LOGIN ${user} secret`);
    if (!tagged.includes(' OK ')) throw new Error(`the login of ${user} was refused: ${tagged}`);
    return client;
  }

  /** Also ended when the test is over, before what was started earlier. */
  onClose(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
  }
}

/** A configuration for `RunningPostern.reload` that differs in what is chosen. Listeners are named for their kind of TLS. */
export async function relayConfig(choices: RelayChoices): Promise<Readonly<Record<string, unknown>>> {
  const { good } = await testCa();
  const { certificateFile: certificate, keyFile: key } = choices.certificate ?? good;
  const [first] = Object.keys(choices.upstreams);
  return {
    server: { name: 'mail.example.org' },
    listeners: (['implicit', 'starttls', 'none'] as const).map(tls => ({ name: tls, address: '127.0.0.1:0', tls })),
    tls: { certificates: [{ certificate, key }] },
    limits: { drain: '200ms', ...choices.limits },
    directories: { few: { kind: 'static', file: 'users.yaml' } },
    // Refusals are not slowed down: tests would only wait.
    authentication: {
      directories: ['few'],
      throttle: { delay: 0, maximum: 0, refuse: 0 },
      shield: { remember: 0 },
      ...choices.authentication,
    },
    upstreams: choices.upstreams,
    routes: choices.routes ?? [{ relay: first }],
  };
}

/** A file of users whose hashes cost nothing. */
export function usersFile(users: Readonly<Record<string, StandUser>> = { alice: 'secret', bob: 'secret' }): string {
  return stringify({
    users: Object.entries(users).map(([login, user]) => {
      const { password, ...more } = typeof user === 'string' ? { password: user } : user;
      return { login, ...more, password: cheapHash(password) };
    }),
  });
}

/** A plaintext upstream. */
export function clear(dovecot: Pick<Dovecot, 'ports'>, more: Readonly<Record<string, unknown>> = {}) {
  return { servers: [`127.0.0.1:${dovecot.ports.plain}`], tls: 'none', ...more };
}

/** An upstream over TLS from the first byte, verified. */
export function tls(dovecot: Pick<Dovecot, 'ports' | 'certificate'>, more: Readonly<Record<string, unknown>> = {}) {
  return { servers: [`127.0.0.1:${dovecot.ports.tls}`], ca: dovecot.certificate.certificate, ...more };
}

/** The audit line of a client's (first) login attempt. */
export function auditOf(postern: RunningPostern, { socket }: ImapClient): Promise<LogLine> {
  const { localPort } = socket;
  return postern.waitForLog(({ audit, port }) => audit === 'login' && port === localPort);
}

/** What an administrator would have to look into: lines of level error and stack traces. */
export function complaints(postern: RunningPostern): readonly string[] {
  return postern.output
    .split('\n')
    .filter(line => /"level":"(?:error|fatal)"|^\s+at .+:\d+:\d+\)?$|\\n\s+at /.test(line));
}

/** Waits until no session is listed any more. */
export function nobodyLeft(postern: RunningPostern): Promise<void> {
  return until('no session is left', async () => (await postern.cli('sessions')).stdout.startsWith('0 sessions'));
}

function cheapHash(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 });
  const [saltText, hashText] = [salt, hash].map(bytes => bytes.toString('base64').replace(/=+$/, ''));
  return `$scrypt$ln=4,r=8,p=1$${saltText}$${hashText}`;
}
