import { GroupNames } from '../auth/group-names.ts';
import type { DirectoryUser } from '../auth/principal.ts';
import type { RouteConfig } from '../config/schema.ts';

/** Who is to be routed, and over which listener they came. */
export interface RoutedUser {
  readonly user: DirectoryUser & { readonly login: string };
  readonly listener: string;
  readonly listenerAddress: string;
}

type Values = (who: RoutedUser) => readonly string[];

/** One condition of a rule. */
export interface Condition {
  readonly name: string;
  /** Why it holds, or why not. */
  check(who: RoutedUser): { readonly holds: boolean; readonly because: string };
}

/** The conditions of a rule, all of which must hold; none for a rule that always matches. */
export function compileConditions(when: RouteConfig['when']): readonly Condition[] {
  if (!when) return [];
  const conditions: Condition[] = [];
  const add = (name: string, wanted: readonly string[] | undefined, any: boolean, values: Values) => {
    if (wanted) conditions.push(oneOf(name, wanted, any && wanted.includes('*'), values));
  };
  add('host', when.host, true, ({ user }) => present(user.host));
  add('domain', when.domain, false, ({ user }) => present(/@([^@]*)$/.exec(user.login)?.[1]));
  if (when.group) conditions.push(groupIn(when.group));
  for (const [attribute, wanted] of Object.entries(when.attribute ?? {})) {
    const name = attribute.toLowerCase();
    add(`attribute ${attribute}`, wanted, true, ({ user }) => user.attributes.get(name) ?? []);
  }
  add('user', when.user, false, ({ user }) => [user.login, user.name]);
  add('listener', when.listener, false, ({ listener, listenerAddress }) => [listener, listenerAddress]);
  return conditions;
}

/** Text as it is compared: directories, DNS and people all disregard case. */
export function fold(text: string): string {
  return text.trim().normalize('NFKC').toLowerCase();
}

/** @param any whether "*" was written: any value, and not none, so that who has no host does not match `host: "*"` */
function oneOf(name: string, wanted: readonly string[], any: boolean, valuesOf: Values): Condition {
  const accepted = new Set(wanted.map(fold));
  return {
    name,
    check(who) {
      const values = valuesOf(who).filter(value => value !== '');
      const found = values.find(value => any || accepted.has(fold(value)));
      if (found !== undefined) return { holds: true, because: `${name} is ${found}` };
      return { holds: false, because: values.length === 0 ? `no ${name}` : `${name} is ${values.join(', ')}` };
    },
  };
}

function groupIn(wanted: readonly string[]): Condition {
  const names = new GroupNames(wanted);
  return {
    name: 'group',
    check({ user }) {
      const found = names.find(user.groups);
      return found === undefined
        ? { holds: false, because: `not in ${wanted.join(' or ')}` }
        : { holds: true, because: `in ${found}` };
    },
  };
}

function present(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}
