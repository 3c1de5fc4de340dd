import { z } from 'zod';
import { ConfigError, formatPath, type Path, type Problem, sortProblems } from '../../config/problem.ts';
import { readYaml, type YamlSource } from '../../config/yaml-source.ts';
import type { DirectoryUser } from '../principal.ts';
import { KeptVerifiers, parseScramVerifier } from '../scram-verifier.ts';
import { type PasswordHash, parsePasswordHash } from './password-hash.ts';

const text = z.string().trim().min(1);

const user = z.strictObject({
  login: text,
  id: text.optional(),
  password: z.string(),
  scram: z.array(z.string()).default([]),
  mail: text.optional(),
  host: text.optional(),
  groups: z.array(text).default([]),
  attributes: z.record(z.string(), z.union([z.string(), z.array(z.string())])).default({}),
});

const schema = z.strictObject({ users: z.array(user) });

/** A user of the file, with the hash of the password. */
export interface StaticUser {
  readonly user: DirectoryUser;
  readonly password: PasswordHash;
}

/** The users of one version of a file. */
export interface StaticUsers {
  readonly all: readonly StaticUser[];
  /** By login or mail address, in the form that `foldName` gives. */
  readonly byName: ReadonlyMap<string, StaticUser>;
}

/** The form in which names of the file and of logins are compared. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/**
 * Reads a file of users: `users: [{ login, password, scram, id, mail, host, groups, attributes }]`. The id is the login unless given;
 * give one to rename a user who keeps the mailbox.
 * @throws ConfigError with everything that is wrong, each with its line; never with a hash
 */
export function parseUsers(file: string, content: string, directory: string): StaticUsers {
  const source = readYaml(content);
  const problems: Problem[] = source.faults.map(fault => ({ file, ...fault }));
  const parsed = schema.safeParse(source.value);
  if (problems.length > 0) throw new ConfigError(problems);
  const complain = (path: Path, message: string, mend: string) =>
    problems.push({ file, ...source.locate(path), path: formatPath(path), message, mend });
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      const steps = path.map(step => (typeof step === 'number' ? step : String(step)));
      complain(steps, message, 'write users: [{ login, password, scram, id, mail, host, groups, attributes }]');
    }
    throw new ConfigError(sortProblems(problems));
  }
  const users = collect(parsed.data.users, { file, source, directory, complain });
  if (problems.length > 0) throw new ConfigError(sortProblems(problems));
  return users;
}

interface Surroundings {
  readonly file: string;
  readonly source: YamlSource;
  readonly directory: string;
  readonly complain: (path: Path, message: string, mend: string) => void;
}

function collect(entries: readonly z.output<typeof user>[], around: Surroundings): StaticUsers {
  const { file, source, directory, complain } = around;
  const all: StaticUser[] = [];
  const byName = new Map<string, StaticUser>();
  const ids = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const line = (at: number) => source.locate(['users', at, 'login']).line;
    const path = (key: string) => ['users', index, key];
    const password = hashOf(entry.password, message => {
      complain(path('password'), message, 'put the output of `postern user hash` here, in single quotes');
    });
    for (const [at, verifier] of entry.scram.entries()) {
      if (parseScramVerifier(verifier)) continue;
      const mend = 'put the output of `postern user hash --scram` here, in single quotes';
      complain(['users', index, 'scram', at], 'is no SCRAM verifier of a kind that is known here', mend);
    }
    const id = entry.id ?? entry.login;
    const twin = ids.get(id);
    if (twin !== undefined) complain(path('id'), `the id is that of the user on line ${line(twin)}`, 'give each an id');
    ids.set(id, index);
    if (!password) continue;
    const known: StaticUser = { user: directoryUser(entry, id, directory, `${file}:${line(index)}`), password };
    all.push(known);
    for (const key of ['login', 'mail'] as const) {
      const name = entry[key] === undefined ? undefined : foldName(entry[key]);
      const holder = name === undefined ? undefined : byName.get(name);
      if (holder && holder !== known) {
        // Whoever came first must not be a matter of the order of lines.
        complain(path(key), `leads to the user at ${holder.user.entry}, too`, 'give each name to one user only');
      } else if (name !== undefined) {
        byName.set(name, known);
      }
    }
  }
  return { all, byName };
}

function hashOf(phc: string, complain: (message: string) => void): PasswordHash | undefined {
  try {
    return parsePasswordHash(phc);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function directoryUser(entry: z.output<typeof user>, id: string, directory: string, place: string): DirectoryUser {
  const attributes = Object.entries(entry.attributes).map(
    ([name, value]) => [name.toLowerCase(), typeof value === 'string' ? [value] : value] as const,
  );
  return {
    directory,
    id,
    name: entry.login,
    mail: entry.mail,
    host: entry.host,
    groups: entry.groups,
    attributes: new Map(attributes),
    entry: place,
    ...(entry.scram.length > 0 ? { scram: new KeptVerifiers(entry.scram) } : {}),
  };
}
