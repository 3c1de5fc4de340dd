import { randomBytes, scryptSync } from 'node:crypto';
import { stringify } from 'yaml';
import { testCa } from './test-ca.ts';

type Section = Readonly<Record<string, unknown>>;

/** A user of a static directory, with the password in clear. */
export interface TestUser {
  readonly login: string;
  readonly password: string;
  readonly host?: string;
  readonly groups?: readonly string[];
}

export const ALICE: TestUser = { login: 'alice', password: 'secret' };

/** A file of users whose hashes are as cheap as the product allows: tests of other things must not wait for them. */
export function usersFile(users: readonly TestUser[]): string {
  const hashed = users.map(({ password, ...user }) => ({ ...user, password: cheapHash(password) }));
  return stringify({ users: hashed });
}

function cheapHash(password: string): string {
  const salt = randomBytes(16);
  const hash = scryptSync(password, salt, 16, { N: 2, r: 1, p: 1 });
  const [saltText, hashText] = [salt, hash].map(bytes => bytes.toString('base64').replace(/=+$/, ''));
  return `$scrypt$ln=1,r=1,p=1$${saltText}$${hashText}`;
}

export interface StaticDoorOptions {
  /** Port of an upstream on 127.0.0.1 in clear; absent: everybody is refused. */
  readonly upstream?: number | undefined;
  readonly listeners?: readonly Section[] | undefined;
  readonly limits?: Section | undefined;
  readonly authentication?: Section | undefined;
  readonly routes?: readonly Section[] | undefined;
  /** Further keys of the upstream. */
  readonly upstreamKeys?: Section | undefined;
  /** Certificates instead of the test authority's. */
  readonly certificates?: readonly Section[] | undefined;
  /** Further sections. */
  readonly more?: Section | undefined;
}

/** One listener of each kind, named by it. */
export const ALL_KINDS: readonly Section[] = ['none', 'starttls', 'implicit'].map(tls => ({
  name: tls,
  address: '127.0.0.1:0',
  tls,
}));

/**
 * A configuration with users in `users.yaml` beside it (see `usersFile`) and at most one mail server. Failed logins cost nothing and
 * nothing is cached, so that what one test does means nothing to the next.
 */
export async function staticDoor(options: StaticDoorOptions): Promise<Section> {
  const { good } = await testCa();
  const { upstream } = options;
  const relay = upstream === undefined ? [{ refuse: 'Nobody has a mailbox here.' }] : [{ relay: 'mail' }];
  return {
    server: { name: 'door.test' },
    listeners: options.listeners ?? ALL_KINDS,
    tls: { certificates: options.certificates ?? [{ certificate: good.certificateFile, key: good.keyFile }] },
    limits: { connections: 20_000, per_address: 20_000, per_login: 20_000, ...options.limits },
    directories: { users: { kind: 'static', file: 'users.yaml' } },
    authentication: {
      directories: ['users'],
      cache: { ttl: 0 },
      throttle: { delay: 0, maximum: 0, refuse: 0 },
      shield: { remember: 0 },
      ...options.authentication,
    },
    ...(upstream === undefined
      ? {}
      : { upstreams: { mail: { servers: [`127.0.0.1:${upstream}`], tls: 'none', ...options.upstreamKeys } } }),
    routes: options.routes ?? relay,
    ...options.more,
  };
}
