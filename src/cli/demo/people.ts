import type { LdapEntry } from './ldap-server.ts';

/** Password of everybody in the demonstration. */
export const PASSWORD = 'secret';
/** Its name in the configuration: with a person's id it makes the account. */
export const DIRECTORY = 'people';
export const DOMAIN = 'example.org';
export const BASE = 'dc=example,dc=org';
export const SERVICE_DN = `cn=postern,ou=services,${BASE}`;

export interface Person {
  readonly login: string;
  readonly givenName: string;
  readonly surname: string;
  /** Fixed, so that accounts stay the same when a demonstration is continued. */
  readonly id: string;
}

export const PEOPLE: readonly Person[] = [
  { login: 'alice', givenName: 'Alice', surname: 'Arnesen', id: '7d0c4a52-3f31-4c0e-9a55-1f0f4bb0a001' },
  { login: 'bob', givenName: 'Bob', surname: 'Baumann', id: '7d0c4a52-3f31-4c0e-9a55-1f0f4bb0a002' },
];

/** The directory of a small company. @param servicePassword of the account that may search */
export function directoryEntries(servicePassword: string): readonly LdapEntry[] {
  const staff = `cn=staff,ou=groups,${BASE}`;
  const dnOf = ({ login }: Person) => `uid=${login},ou=people,${BASE}`;
  return [
    { dn: BASE, attributes: { objectClass: ['dcObject', 'organization'], dc: ['example'], o: ['Example'] } },
    ...['people', 'groups', 'services'].map(ou => ({
      dn: `ou=${ou},${BASE}`,
      attributes: { objectClass: ['organizationalUnit'], ou: [ou] },
    })),
    {
      dn: SERVICE_DN,
      attributes: { objectClass: ['applicationProcess', 'simpleSecurityObject'], cn: ['postern'] },
      password: servicePassword,
    },
    { dn: staff, attributes: { objectClass: ['groupOfNames'], cn: ['staff'], member: PEOPLE.map(dnOf) } },
    ...PEOPLE.map(person => ({
      dn: dnOf(person),
      attributes: {
        objectClass: ['inetOrgPerson'],
        uid: [person.login],
        cn: [`${person.givenName} ${person.surname}`],
        givenName: [person.givenName],
        sn: [person.surname],
        mail: [`${person.login}@${DOMAIN}`],
        memberOf: [staff],
        entryUUID: [person.id],
      },
      password: PASSWORD,
    })),
  ];
}
