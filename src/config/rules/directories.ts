import type { ServerAddress } from '../address.ts';
import type { Report, Rule } from '../draft.ts';
import { parseDnTemplate, parseFilterTemplate } from '../ldap-template.ts';
import { suggest } from '../nearest.ts';
import type { Path } from '../problem.ts';
import type { AdConfig, LdapConfig } from '../schema.ts';
import { checkOutgoing, checkTemplate } from './outgoing.ts';

const namedDirectoriesExist: Rule = (draft, report) => {
  const known = [...draft.directories.keys()];
  const seen = new Set<string>();
  for (const [index, name] of draft.directoryOrder.entries()) {
    const path = ['authentication', 'directories', index];
    if (name === undefined) continue;
    if (seen.has(name)) {
      report.error({ path, message: `the directory "${name}" is named twice`, mend: 'name it once' });
    } else if (!draft.directories.has(name)) {
      const otherwise = known.length > 0 ? `write one of ${known.join(', ')}` : 'describe it under "directories:"';
      report.error({ path, message: `there is no directory "${name}"`, mend: suggest(name, known, otherwise) });
    }
    seen.add(name);
  }
};

const everyDirectoryAsked: Rule = (draft, report) => {
  // With a name that is wrong, the directory it stands for is reported there.
  if (draft.directoryOrder.some(name => name === undefined || !draft.directories.has(name))) return;
  if (draft.directoryOrder.length === 0) return;
  for (const name of draft.directories.keys()) {
    if (draft.directoryOrder.includes(name)) continue;
    report.warning({
      path: ['directories', name],
      message: 'this directory is never asked',
      mend: `add ${name} to authentication.directories, or remove it`,
    });
  }
};

const ldapDirectories: Rule = (draft, report) => {
  for (const [name, directory] of draft.directories) {
    if (!directory || directory.kind === 'static') continue;
    const path: Path = ['directories', name];
    checkOutgoing(path, { ...directory, servers: serversOf(directory) }, report);
    checkFilter([...path, 'users', 'filter'], directory.users.filter, report);
    checkDn([...path, 'users', 'base'], directory.users.base, report);
    checkBinding(path, directory, report);
  }
};

/** Those that DNS names can be anywhere. */
function serversOf({ servers }: LdapConfig | AdConfig): ServerAddress[] {
  return 'domain' in servers ? [{ host: servers.domain, port: 389 }] : servers;
}

function checkBinding(path: Path, directory: LdapConfig | AdConfig, report: Report): void {
  const template = directory.bind_as;
  if (template === undefined) {
    if (directory.bind) return;
    report.warning(
      directory.kind === 'ad'
        ? {
            path,
            message:
              'without a service account users can log in, but sessions cannot be rechecked, nor users explained',
            mend: 'add bind: { dn: ..., password: { file: PATH } }; an ordinary user will do',
          }
        : {
            path,
            message: 'users are searched for anonymously, which most directories refuse',
            mend: 'add bind: { dn: ..., password: { file: PATH } }, or bind_as',
          },
    );
    return;
  }
  const at = [...path, 'bind_as'];
  if (!checkTemplate(at, template, report) || !checkDn(at, fillIn(template), report, template)) return;
  try {
    parseDnTemplate(template);
  } catch (error) {
    report.error({
      path: at,
      message: reasonOf(error),
      mend: 'write for example "uid={login},ou=people,dc=example,dc=org"',
    });
  }
}

/** Placeholders stand for text without special characters: what they are replaced by is escaped. */
function fillIn(template: string): string {
  return template.replace(/\{(login|local|domain)\}/g, 'x');
}

const FILTER_PLACEHOLDERS = ['{login}', '{local}', '{domain}', '{account}'] as const;

function checkFilter(path: Path, filter: string, report: Report): void {
  if (!checkTemplate(path, filter, report, FILTER_PLACEHOLDERS)) return;
  try {
    parseFilterTemplate(filter);
  } catch (error) {
    report.error({
      path,
      message: `not an LDAP filter (RFC 4515): ${reasonOf(error)}`,
      mend: 'write for example "(&(objectClass=person)(uid={login}))"; each "(" needs its ")"',
    });
  }
}

/** RFC 4514 §3, loosely: attribute=value parts with commas between; a comma in a value is escaped. */
function checkDn(path: Path, dn: string, report: Report, shown = dn): boolean {
  if (dn === '' || splitUnescaped(dn).every(part => /^\s*([A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)*)\s*=\s*\S/.test(part)))
    return true;
  report.error({
    path,
    message: `"${shown}" is not a DN`,
    mend: 'write attribute=value parts with commas between, such as "ou=people,dc=example,dc=org"',
  });
  return false;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function splitUnescaped(dn: string): readonly string[] {
  return dn.split(/(?<=(?:^|[^\\])(?:\\\\)*),/);
}

export const directoryRules: readonly Rule[] = [namedDirectoriesExist, everyDirectoryAsked, ldapDirectories];
