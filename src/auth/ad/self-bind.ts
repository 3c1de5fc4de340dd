import { FilterParser } from 'ldapts';
import type { LoginName } from '../directory.ts';
import type { Asking, SelfBind } from '../ldap/dialect.ts';
import type { LdapEntry } from '../ldap/response.ts';
import { domainRootOf } from './domains.ts';

const ANYTHING = FilterParser.parseString('(objectClass=*)');

/**
 * Active Directory takes a user principal name or `CORP\alice` where others take a DN. Whose login it was, the server tells by
 * the SIDs of the connection (`tokenGroups` of the root DSE, MS-ADTS §3.1.1.3.2.30), the user's own among them.
 * @param base where users are searched; tells the domain of logins without one
 */
export function selfBind(base: string, domain: string | undefined): SelfBind {
  const home =
    domain ??
    domainRootOf(base)
      .replace(/^DC=/i, '')
      .replace(/,\s*DC=/gi, '.');
  return {
    nameFor: ({ login, domain: theirs }: LoginName) =>
      theirs === '' && !login.includes('\\') && home !== '' ? `${login}@${home}` : login,
    async owns({ attributes }: LdapEntry, asking: Asking) {
      const question = {
        base: '',
        scope: 'base',
        filter: ANYTHING,
        attributes: ['tokenGroups'],
        sizeLimit: 1,
      } as const;
      const [rootDse] = await asking.find(question);
      const own = attributes.get('objectsid')?.[0];
      return own !== undefined && (rootDse?.attributes.get('tokengroups')?.some(sid => sid.equals(own)) ?? false);
    },
  };
}
