import { openAdDirectory } from '../../src/auth/ad/directory.ts';
import { directoryConformance } from '../conformance/directory.ts';
import { adConfig } from '../support/ad-config.ts';
import { silentLog } from '../support/ldap-config.ts';
import { describeWithSamba, SAMBA_BASE, SAMBA_STAFF, SambaDc, sambaPassword } from '../support/samba.ts';

describeWithSamba('Active Directory (Samba) as any directory', () => {
  directoryConformance('Samba', async () => {
    const dc = await SambaDc.start();
    // Wrong passwords by the dozen must not lock.
    await dc.modify(`dn: ${SAMBA_BASE}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: 0\n`);
    const config = await adConfig({ servers: [dc.host], users: { base: SAMBA_STAFF } });
    const user = (name: string) => ({
      login: name,
      name,
      password: sambaPassword(name),
      mail: `${name}@example.org`,
    });
    return {
      directory: openAdDirectory('corp', config, { log: silentLog }),
      alice: user('alice'),
      bob: user('bob'),
      users: 17,
      close: () => dc.remove(),
    };
  });
});
