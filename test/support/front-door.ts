import type { Dovecot } from './dovecot.ts';
import { ImapClient, type ImapClientOptions } from './imap-client.ts';
import type { LogLine, RunningPostern } from './postern.ts';
import { SLAPD_SERVICE, SLAPD_USERS } from './slapd.ts';
import { testCa } from './test-ca.ts';

type Section = Readonly<Record<string, unknown>>;

export interface FrontDoorOptions {
  /** Ports of LDAP servers on 127.0.0.1, in order of preference. */
  readonly directory: readonly number[];
  /** How they are spoken to. Default: implicit. */
  readonly tls?: 'implicit' | 'starttls';
  /** Further keys of the directory. */
  readonly ldap?: Section;
  readonly dovecot: Dovecot;
  /** Default: the same password. */
  readonly upstreamLogin?: Section;
  /** Default: everybody to `store`, the Dovecot. */
  readonly routes?: readonly Section[];
  /** Default: `imaps`, with implicit TLS. */
  readonly listeners?: readonly Section[];
  /** Further keys; failures cost 20 ms each and no more, unless it says otherwise. */
  readonly authentication?: Section;
  readonly limits?: Section;
  readonly log?: Section;
}

/** Costs of failures that never grow. */
export const FLAT_THROTTLE = { delay: '20ms', growth: 1, maximum: '20ms', free: 1_000_000, refuse: 0 };

/** A configuration as an administrator would write it: LDAP in front, one mail server behind. */
export async function frontDoor(options: FrontDoorOptions): Promise<Section> {
  const { directory, tls = 'implicit', ldap, dovecot, upstreamLogin, authentication, limits, log } = options;
  const ca = await testCa();
  return {
    listeners: options.listeners ?? [{ name: 'imaps', address: '127.0.0.1:0', tls: 'implicit' }],
    tls: { certificates: [{ certificate: ca.good.certificateFile, key: ca.good.keyFile }] },
    ...(log ? { log } : {}),
    limits: { connections: 5000, per_address: 5000, per_login: 5000, ...limits },
    directories: {
      corp: {
        kind: 'ldap',
        servers: directory.map(port => `127.0.0.1:${port}`),
        tls,
        ca: ca.file,
        bind: SLAPD_SERVICE,
        users: { base: SLAPD_USERS },
        ...ldap,
      },
    },
    authentication: { directories: ['corp'], throttle: FLAT_THROTTLE, ...authentication },
    upstreams: {
      store: {
        servers: [`127.0.0.1:${dovecot.ports.tls}`],
        ca: dovecot.certificate.certificate,
        ...(upstreamLogin ? { login: upstreamLogin } : {}),
      },
    },
    routes: options.routes ?? [{ relay: 'store' }],
  };
}

/** A connection to the door, its certificate verified. */
export async function knock(postern: RunningPostern, options: Partial<ImapClientOptions> = {}): Promise<ImapClient> {
  const { pem } = await testCa();
  const tlsOptions = { ca: pem, rejectUnauthorized: true };
  return ImapClient.connect({ port: postern.port(), tls: 'implicit', tlsOptions, timeout: 25_000, ...options });
}

/** The ways a password can be sent. */
export type Mechanism = 'LOGIN command' | 'PLAIN' | 'LOGIN';

/** Logs in and returns the server's answer without its tag. Texts are sent as UTF-8, and as literals by the LOGIN command. */
export async function logIn(
  client: ImapClient,
  login: string,
  password: string,
  mechanism: Mechanism = 'LOGIN command',
): Promise<string> {
  const answer = await tell(client, Buffer.from(login), Buffer.from(password), mechanism);
  return answer.replace(/^t\d+ /, '');
}

export interface TryOptions extends Partial<ImapClientOptions> {
  readonly mechanism?: Mechanism;
  /** The client's port, where a PROXY header tells another. */
  readonly clientPort?: number;
}

/** One login on a connection of its own, with the line it left in the audit log. The connection is closed. */
export async function tryLogin(
  postern: RunningPostern,
  login: string,
  password: string,
  options: TryOptions = {},
): Promise<{ answer: string; audit: LogLine }> {
  const client = await knock(postern, options);
  try {
    const { clientPort = client.socket.localPort } = options;
    // Ports are used again: lines of earlier clients are not ours.
    const from = postern.log.length;
    const answer = await logIn(client, login, password, options.mechanism);
    const audit = await postern.waitForLog(({ audit, port }) => audit === 'login' && port === clientPort, { from });
    return { answer, audit };
  } finally {
    client.close();
  }
}

async function tell(client: ImapClient, login: Buffer, password: Buffer, mechanism: Mechanism): Promise<string> {
  switch (mechanism) {
    case 'LOGIN command':
      return (
        await client.command(
          `LOGIN {${login.length}}`,
          `${login.toString('latin1')} {${password.length}}`,
          password.toString('latin1'),
        )
      ).tagged;
    case 'PLAIN': {
      const response = Buffer.concat([Buffer.of(0), login, Buffer.of(0), password]);
      return (await client.command(`AUTHENTICATE PLAIN ${response.toString('base64')}`)).tagged;
    }
    case 'LOGIN': {
      await client.send('t0 AUTHENTICATE LOGIN');
      for (const part of [login, password]) {
        const challenge = await client.readLine();
        if (!challenge.startsWith('+')) return challenge;
        await client.send(part.toString('base64'));
      }
      return (await client.answerTo('t0')).tagged;
    }
  }
}

/** Runs `work` over all items, so many at a time; results in the items' order. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}
