import type { LoginName } from '../directory.ts';
import type { Named } from '../ldap/dialect.ts';
import type { Domain } from './domains.ts';

/**
 * What a login may be in these domains: `alice` (sAMAccountName), `CORP\alice` or `corp.example\alice`, `alice@corp.example` (the
 * implicit user principal name, which every account has), another user principal name, or a mail address.
 *
 * `{account}` of a filter becomes the sAMAccountName that the login gives; where it can give none, because it has the domain of
 * somebody else, the whole login, which no account has for its name: it may not hold `@` nor a backslash (MS-SAMR §3.1.1.6).
 *
 * @param suffixes further domains, in lower case, whose local part is a sAMAccountName
 * @returns undefined for `OTHER\alice` of no domain here
 */
export function nameIn(login: LoginName, domains: readonly Domain[], suffixes: ReadonlySet<string>): Named | undefined {
  const backslash = /^([^\\@]+)\\([^\\]+)$/.exec(login.login);
  if (backslash) {
    const [, name = '', account = ''] = backslash;
    const domain = domains.find(({ netbios, dns }) => [netbios, dns].includes(name.toLowerCase()));
    if (!domain) return undefined;
    return within(domain, domains, { login: account, local: account, domain: '', account });
  }
  if (login.domain === '') return { parts: { ...login, account: login.local } };
  const theirs = login.domain.toLowerCase();
  const domain = domains.find(({ netbios, dns }) => [netbios, dns].includes(theirs));
  if (domain) return within(domain, domains, { ...login, account: login.local });
  return { parts: { ...login, account: suffixes.has(theirs) ? login.local : login.login } };
}

/** Among several domains, one that was named is the only one that is searched: the same account name may be in all. */
function within(domain: Domain, domains: readonly Domain[], parts: Named['parts']): Named {
  return domains.length > 1 ? { parts, base: domain.root } : { parts };
}
