import { describe } from 'vitest';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import { directoryConformance } from '../conformance/directory.ts';
import { ldapConfig, silentLog } from '../support/ldap-config.ts';
import { describeWithPeers } from '../support/peers.ts';
import { SLAPD_USERS, Slapd } from '../support/slapd.ts';

const USERS = 12;
/** Users that every test slapd has besides. */
const OTHERS = 6;

describeWithPeers(['slapd'], 'OpenLDAP', () => {
  const ways = {
    'searching first over LDAPS': { tls: 'implicit' },
    'searching first over StartTLS': { tls: 'starttls' },
    'searching first in plaintext on loopback': { tls: 'none' },
    'binding first, reading as the service account': { tls: 'implicit', bindAs: `uid={local},${SLAPD_USERS}` },
  } as const;
  for (const [title, { tls, ...further }] of Object.entries(ways)) {
    describe(title, () => {
      directoryConformance(title, async () => {
        const slapd = await Slapd.start({ users: USERS });
        const config = await ldapConfig({
          servers: [tls === 'implicit' ? slapd.tlsPort : slapd.port],
          tls,
          ...further,
        });
        return {
          directory: openLdapDirectory('corp', config, { log: silentLog }),
          alice: { login: 'u000', password: 'secret', name: 'u000', mail: 'u000@example.org' },
          bob: { login: 'u001', password: 'secret', name: 'u001', mail: 'u001@example.org' },
          users: USERS + OTHERS,
          close: () => slapd.remove(),
        };
      });
    });
  }
});
