import { existsSync } from 'node:fs';
import { AppPasswordFolder } from '../auth/app-passwords/folder.ts';
import { Authenticator } from '../auth/authenticator.ts';
import { DecisionRecord, NO_RECORD } from '../auth/decision-record.ts';
import { AuthError, type Directory, type ServerState } from '../auth/directory.ts';
import { isRefusal } from '../auth/directory-chain.ts';
import { normaliseLogin, splitLogin } from '../auth/login-name.ts';
import type { KnownUser } from '../auth/login-request.ts';
import type { Principal } from '../auth/principal.ts';
import { formatServer } from '../config/address.ts';
import { parseDnTemplate, parseFilterTemplate } from '../config/ldap-template.ts';
import type { Config } from '../config/schema.ts';
import { EXTENSIONS, Registry } from '../extensions/registry.ts';
import { statusOf } from '../imap/status.ts';
import { MailError } from '../mail/mail-error.ts';
import { openLog } from '../observe/log.ts';
import type { Route } from '../route/route.ts';
import { openDirectory } from '../server/composition.ts';
import { ListenerRouter } from '../server/listener-router.ts';
import { refuseAppPassword } from '../session/gate.ts';
import { accountPlaces, dataPlaces } from '../store/data-places.ts';
import { upstreamIdentity } from '../upstream/login.ts';

/** What is asked about. */
export interface Question {
  readonly given: string;
  /** Proven like any other, where it is given. */
  readonly password: string | undefined;
  readonly address: string | undefined;
  readonly listener: string;
}

/** How it ends; each has an exit status. `undecided`: a directory does not answer, or not in a way that could be used. */
export type Ending = 'let-in' | 'refused' | 'no-mailbox' | 'undecided';

/** How a directory was asked for the login. */
export interface Asked {
  readonly directory: string;
  /** Where and what was searched, or the file. */
  readonly question: string;
  /** Those that were tried have a state. */
  readonly servers: readonly ServerState[];
}

export interface Explanation {
  readonly given: string;
  readonly ending: Ending;
  readonly allowed: boolean;
  readonly steps: DecisionRecord['steps'];
  readonly asked: readonly Asked[];
  readonly user?: ExplainedUser;
  readonly proof?: Principal['proof'];
  readonly destination?: Destination;
  /** What it comes to. */
  readonly outcome: string;
  /** What the client would be told, when it is refused. */
  readonly answer?: string;
}

/** Key by key: what else an entry may come with, such as what proves a password, is nobody's to read. */
type ExplainedUser = Pick<
  KnownUser,
  'login' | 'account' | 'directory' | 'id' | 'name' | 'mail' | 'host' | 'groups' | 'entry'
> & {
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly appPasswords: number;
};

export type Destination =
  | { readonly mode: 'relay'; readonly upstream: string; readonly servers: readonly string[]; readonly login: string }
  | {
      readonly mode: 'serve';
      readonly store: string;
      readonly folder: string;
      readonly exists: boolean;
      readonly capabilities: string;
    };

/** A use that explaining makes is none: it must not hide that nobody uses an app password. */
class UnnotedAppPasswords extends AppPasswordFolder {
  override noteUse(): void {}
}

/** What would happen at a login, found out by asking the directories as the server does. */
export async function decide(question: Question, config: Config): Promise<Explanation> {
  const { log, close } = openLog({ level: 'error', audit: {} }, { stdout: 2 });
  const directories = new Map(
    Object.entries(config.directories).map(([name, part]) => [name, openDirectory(name, part, log)]),
  );
  const appPasswords = new UnnotedAppPasswords(dataPlaces(config.server.data).appPasswords);
  const authenticator = new Authenticator({ directories, config: config.authentication, log, appPasswords });
  const record = new DecisionRecord();
  try {
    const { user, ...found } = await findOut(question, authenticator, record, config);
    const kept = user && config.authentication.app_passwords ? await appPasswords.list(user.account) : [];
    return {
      given: question.given,
      ...found,
      allowed: found.ending === 'let-in',
      steps: record.steps,
      asked: howAsked(question.given, config, directories),
      ...(user && { user: explained(user, kept.length) }),
    };
  } finally {
    authenticator.close();
    await Promise.allSettled([...directories.values()].map(directory => directory.close()));
    close();
  }
}

function explained(user: KnownUser, appPasswords: number): ExplainedUser {
  const { login, account, directory, id, name, mail, host, groups, entry } = user;
  const attributes = Object.fromEntries(user.attributes);
  return { login, account, directory, id, name, mail, host, groups, entry, attributes, appPasswords };
}

type Found = Pick<Explanation, 'ending' | 'outcome' | 'answer' | 'destination' | 'proof'> & { user?: KnownUser };

async function findOut(
  question: Question,
  authenticator: Authenticator,
  record: DecisionRecord,
  config: Config,
): Promise<Found> {
  const { given, password, address = '-', listener } = question;
  const signal = AbortSignal.timeout(60_000);
  let user: KnownUser & Partial<Pick<Principal, 'proof' | 'appPassword'>>;
  try {
    user =
      password === undefined
        ? await authenticator.lookup(given, record, signal)
        : await authenticator.authenticate(
            { login: given, password, mechanism: '', address, listener, secure: true },
            record,
            signal,
          );
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    // Who it is is worth telling, also when the password was wrong.
    const known = await authenticator.lookup(given, NO_RECORD, signal).catch(() => undefined);
    return { ...refusedBy(error, isUndecided(error) ? 'undecided' : 'refused'), ...(known && { user: known }) };
  }
  const proof = user.proof && { proof: user.proof };
  try {
    const route = new ListenerRouter(config).route(user, { listener }, record);
    return { ...destinationOf(route, user, config), user, ...proof };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    const ending = error.kind === 'authorization-failed' ? 'refused' : 'no-mailbox';
    return { ...refusedBy(error, ending), user, ...proof };
  }
}

/** @throws MailError where the route leads nowhere for this login */
function destinationOf(route: Route, user: KnownUser & { proof?: Principal['proof'] }, config: Config): Found {
  if (route.mode === 'refuse') {
    const refusal = refusedBy(new MailError('contact-admin', '', { answer: route.text }), 'no-mailbox');
    return { ...refusal, outcome: `refused by routes[${route.rule}]` };
  }
  if (route.mode === 'relay') {
    const upstream = config.upstreams[route.upstream];
    if (!upstream) throw new Error(`routes[${route.rule}] names upstream ${route.upstream}, which is not there`);
    if (user.proof === 'app-password' && upstream.login.as === 'user') throw refuseAppPassword(route.upstream);
    const { login, authorize } = upstreamIdentity(upstream.login, user, splitLogin(user.login), '');
    const name = authorize === '' ? login : `${login} for ${authorize}`;
    const servers = upstream.servers.map(formatServer);
    return {
      ending: 'let-in',
      outcome: `relayed to upstream ${route.upstream}`,
      destination: { mode: 'relay', upstream: route.upstream, servers, login: name },
    };
  }
  const store = route.mounts.map(mount => mount.store).join(', ');
  const { folder } = accountPlaces(dataPlaces(config.server.data).accounts, user.account);
  const exists = existsSync(folder);
  const creates = route.mounts.every(mount => config.stores[mount.store]?.create !== 'never');
  if (!exists && !creates) {
    throw new MailError(
      'nonexistent',
      `there are no mailboxes in store ${store}, and none are made at the first login`,
    );
  }
  const capabilities = new Registry(EXTENSIONS).capabilities({
    serving: true,
    secure: true,
    startTlsPossible: false,
    mechanisms: [],
    upstreamLiterals: undefined,
  });
  return {
    ending: 'let-in',
    outcome: `served from store ${store}`,
    destination: { mode: 'serve', store, folder, exists, capabilities },
  };
}

function refusedBy(error: MailError, ending: Ending): Found {
  const { code, text } = statusOf(error);
  return { ending, outcome: error.message, answer: `NO ${code === undefined ? '' : `[${code}] `}${text}` };
}

/** The word of a directory on itself, as opposed to one on the login. */
function isUndecided({ cause }: MailError): boolean {
  return cause instanceof AuthError && !isRefusal(cause.kind);
}

function howAsked(given: string, config: Config, directories: ReadonlyMap<string, Directory>): readonly Asked[] {
  const name = normaliseLogin(given, config.authentication.login);
  if ('refused' in name) return [];
  return config.authentication.directories.flatMap(directory => {
    const part = config.directories[directory];
    if (!part) return [];
    const servers = directories.get(directory)?.servers() ?? [];
    if (part.kind === 'static') return [{ directory, question: part.file, servers }];
    // Of Active Directory, what the account is called depends on what its domains say.
    const filter = part.kind === 'ldap' ? parseFilterTemplate(part.users.filter).render(name) : part.users.filter;
    const base = part.bind_as === undefined ? part.users.base : parseDnTemplate(part.bind_as).render(name);
    const scope = part.bind_as === undefined ? part.users.scope : 'base';
    return [{ directory, question: `${filter} at "${base}", scope ${scope}`, servers: [...servers] }];
  });
}
