import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ImapClient, type ImapClientOptions } from './imap-client.ts';
import { type PosternOptions, type RunningPostern, startPostern } from './postern.ts';
import { ALICE, staticDoor, type TestUser, usersFile } from './static-door.ts';

type Section = Readonly<Record<string, unknown>>;

export interface ServedDoorOptions extends PosternOptions {
  readonly users?: readonly TestUser[];
  /** Keys of the store `local`. */
  readonly store?: Section;
  readonly limits?: Section;
  readonly listeners?: readonly Section[];
  /** Further sections, `server` among them. */
  readonly more?: Section;
}

/** A real `postern serve` whose users have their mail in the embedded store. Listeners: `none`, `starttls`, `implicit`. */
export async function startServedDoor(options: ServedDoorOptions = {}): Promise<RunningPostern> {
  const { users = [ALICE], store, limits, listeners, more, ...run } = options;
  const config = await staticDoor({
    limits,
    listeners,
    routes: [{ mounts: [{ prefix: '', store: 'local' }] }],
    more: { ...(store ? { stores: { local: store } } : {}), ...more },
  });
  return startPostern(config, { ...run, files: { 'users.yaml': usersFile(users), ...run.files } });
}

/** A connection that is logged in. */
export async function enter(
  postern: RunningPostern,
  { login, password }: TestUser = ALICE,
  options: Partial<ImapClientOptions> = {},
): Promise<ImapClient> {
  const client = await ImapClient.connect({ port: postern.port('none'), tls: 'none', timeout: 25_000, ...options });
  const { tagged } = await client.command(`LOGIN ${login} ${password}`);
  if (!/^\S+ OK /.test(tagged)) throw new Error(`the login was refused: ${tagged}`);
  return client;
}

/** Files below a folder whose path fits, with their sizes in octets. */
export function filesBelow(folder: string, fits: RegExp): readonly { readonly path: string; readonly size: number }[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap(name => {
    if (!fits.test(name)) return [];
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? [{ path, size: stat.size }] : [];
  });
}
