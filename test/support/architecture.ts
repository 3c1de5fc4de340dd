import { posix } from 'node:path';
import type { SourceModule } from './source-module.ts';

/**
 * What a wing of the house may import. Names are wings (`wire`, `auth/ldap`) or single files of one (`net/certificate-pin.ts`); a
 * wing may always import from itself, and what it may import it may import types of.
 */
export interface WingRule {
  readonly values: readonly string[] | 'anything';
  readonly types: readonly string[] | 'anything';
  /** Computes only: no network, files, processes or threads of Node's. */
  readonly pure?: true;
}

export type HouseRules = Readonly<Record<string, WingRule>>;

/** The rules of the plan of the house. A new wing needs a row here before its first file. */
export const HOUSE: HouseRules = {
  'main.ts': { values: 'anything', types: 'anything' },
  cli: { values: 'anything', types: 'anything' },
  // Composes the parts; nobody but main.ts and the command line may import it.
  server: { values: 'anything', types: 'anything' },
  config: { values: [], types: [] },
  net: { values: ['config'], types: ['observe'] },
  wire: { values: [], types: [], pure: true },
  // What mail is, for all others: types, and what is said of a type by a few lines of arithmetic.
  mail: { values: [], types: [], pure: true },
  imap: { values: ['wire', 'mail'], types: [], pure: true },
  mime: { values: [], types: ['mail'], pure: true },
  commands: { values: ['wire', 'imap', 'mime', 'mail', 'items', 'auth/sasl'], types: ['session'], pure: true },
  items: { values: ['wire', 'imap', 'mime', 'mail'], types: ['session'], pure: true },
  extensions: { values: ['wire', 'imap', 'mail', 'commands', 'items'], types: ['session'], pure: true },
  // Handed the directories, the upstreams and the registry of commands by the composition: knows them by their contracts. Of
  // `auth` it uses the errors and the record of a decision, never a directory.
  session: {
    values: ['wire', 'imap', 'mail', 'net', 'auth/directory.ts', 'auth/decision-record.ts'],
    types: ['auth', 'auth/sasl', 'commands', 'config', 'extensions', 'observe', 'route', 'upstream'],
  },
  auth: { values: ['config', 'imap', 'mail'], types: ['observe'] },
  'auth/sasl': { values: ['wire'], types: ['auth'], pure: true },
  'auth/ldap': { values: ['auth', 'net', 'config'], types: ['observe'] },
  'auth/ad': { values: ['auth', 'auth/ldap', 'config'], types: ['observe'] },
  'auth/app-passwords': { values: ['auth', 'config', 'mail'], types: ['observe'] },
  'auth/static': { values: ['auth', 'config'], types: ['observe'] },
  route: { values: ['imap', 'mail', 'auth/group-names.ts'], types: ['auth', 'config'], pure: true },
  // Mail behind ports; knows nothing of IMAP.
  store: { values: ['mail', 'mime'], types: ['observe'] },
  upstream: { values: ['wire', 'imap', 'net', 'config'], types: ['auth', 'observe'] },
  observe: { values: ['config', 'net/unix-socket.ts'], types: 'anything' },
  pki: {
    values: [
      'net/certificate-pin.ts',
      'net/certificate-expiry.ts',
      'net/certificate-names.ts',
      'net/system-authorities.ts',
    ],
    types: ['config/address.ts'],
  },
};

/** Packages wrapped by one wing, because what they need to be used safely should be known in one place. */
export const WRAPPED_PACKAGES: Readonly<Record<string, readonly string[]>> = {
  // The configuration is checked with the parser of filters that will read them.
  ldapts: ['auth/ldap', 'auth/ad', 'config'],
  'node-forge': ['pki'],
  '@peculiar/x509': ['pki'],
  'reflect-metadata': ['pki'],
  pino: ['observe'],
  'prom-client': ['observe'],
  'iconv-lite': ['store'],
};

const OUTSIDE =
  /^(?:node:)?(?:net|tls|fs|fs\/promises|http|https|http2|dgram|dns|dns\/promises|child_process|cluster|worker_threads)$/;

/** The row of the table a file falls under: the longest that fits; undefined when there is none. */
export function wingOf(path: string, rules: HouseRules): string | undefined {
  const inside = path.replace(/^src\//, '');
  return Object.keys(rules)
    .filter(wing => inside === wing || inside.startsWith(`${wing}/`))
    .sort((a, b) => b.length - a.length)[0];
}

/** Imports that the table forbids: "path:line: what". */
export function importFaults(modules: readonly SourceModule[], rules: HouseRules): string[] {
  const known = new Set(modules.map(({ path }) => path));
  return modules.flatMap(module => {
    const wing = wingOf(module.path, rules);
    const rule = wing === undefined ? undefined : rules[wing];
    if (wing === undefined || rule === undefined) return [`${module.path}: its wing has no row in the table of rules`];
    return module.imports.flatMap(({ target, local, typeOnly, line }) => {
      const at = `${module.path}:${line}: `;
      if (!local) {
        if (typeOnly) return [];
        if (rule.pure && OUTSIDE.test(target)) return [`${at}${wing} only computes, and imports ${target}`];
        const owners = WRAPPED_PACKAGES[packageName(target)];
        if (owners && !owners.includes(wing)) return [`${at}${packageName(target)} belongs to ${owners.join(', ')}`];
        return [];
      }
      if (!known.has(target)) return [`${at}imports ${target}, which is not a file of the house`];
      const targetWing = wingOf(target, rules);
      if (targetWing === wing || covers(rule.values, target, targetWing)) return [];
      if (covers(rule.types, target, targetWing)) {
        return typeOnly ? [] : [`${at}${wing} may import only types of ${targetWing} (import type)`];
      }
      return [`${at}${wing} may not import ${typeOnly ? 'types of ' : ''}${target.replace(/^src\//, '')}`];
    });
  });
}

function covers(allowed: readonly string[] | 'anything', target: string, wing: string | undefined): boolean {
  return (
    allowed === 'anything' ||
    (wing !== undefined && allowed.includes(wing)) ||
    allowed.includes(target.replace(/^src\//, ''))
  );
}

/** `@scope/name` or `name` of a specifier, without the path within the package. */
export function packageName(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Circles of imports. One that only types close is tolerated within a folder, where the files are one thought. */
export function cycleFaults(modules: readonly SourceModule[]): string[] {
  const values = findCycles(modules, false).map(cycle => `files that need each other: ${cycle.join(' -> ')}`);
  const types = findCycles(modules, true)
    .filter(cycle => new Set(cycle.map(path => posix.dirname(path))).size > 1)
    .map(cycle => `folders that need each other, counting types: ${cycle.join(' -> ')}`);
  return values.length > 0 ? values : types;
}

/** For every file that can reach itself, the shortest way round; each circle once. */
function findCycles(modules: readonly SourceModule[], countTypes: boolean): string[][] {
  const edges = new Map<string, readonly string[]>();
  for (const { path, imports } of modules) {
    const targets = imports
      .filter(({ local, typeOnly }) => local && (countTypes || !typeOnly))
      .map(({ target }) => target);
    edges.set(path, targets);
  }
  const found = new Map<string, string[]>();
  for (const start of edges.keys()) {
    const cycle = shortestWayRound(start, edges);
    const circle = cycle && [...cycle].sort().join();
    if (cycle && circle && !found.has(circle)) found.set(circle, [...cycle, start]);
  }
  return [...found.values()];
}

function shortestWayRound(start: string, edges: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    for (const next of edges.get(way.at(-1) ?? start) ?? []) {
      if (next === start) return way;
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

const VAGUE = /^(?:utils?|helpers?|manager|managers|common|base|misc|stuff)\.ts$/;

/** What a file's name and length do against the house rules. */
export function fileFaults(path: string, text: string): string[] {
  const faults: string[] = [];
  const name = posix.basename(path);
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.config)?\.ts$/.test(name))
    faults.push(`${path}: its name is not kebab-case`);
  if (VAGUE.test(name)) faults.push(`${path}: its name says nothing`);
  const lines = text.split('\n').length - 1;
  if (lines > 400) faults.push(`${path}: has ${lines} lines; 400 are the most`);
  return faults;
}
