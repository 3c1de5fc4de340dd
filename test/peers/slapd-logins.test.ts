import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Directory } from '../../src/auth/directory.ts';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import type { DirectoryUser } from '../../src/auth/principal.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { ldapConfig, silentLog } from '../support/ldap-config.ts';
import { describeWithPeers } from '../support/peers.ts';
import { RecordingProxy } from '../support/recording-proxy.ts';
import { SLAPD_BASE, SLAPD_SERVICE, SLAPD_USERS, Slapd } from '../support/slapd.ts';

const USERS = 200;
const names = Array.from({ length: USERS }, (_, index) => `u${String(index).padStart(3, '0')}`);
const never = new AbortController().signal;

for (const tls of ['implicit', 'starttls'] as const) {
  describeWithPeers(['slapd'], `OpenLDAP with 200 users, ${tls} TLS`, () => {
    let slapd: Slapd;
    let proxy: RecordingProxy;
    let directory: Directory;

    beforeAll(async () => {
      slapd = await Slapd.start({ users: USERS });
      proxy = await RecordingProxy.start({ port: tls === 'implicit' ? slapd.tlsPort : slapd.port });
      directory = openLdapDirectory('corp', await ldapConfig({ servers: [proxy.port], tls }), { log: silentLog });
    });

    afterAll(async () => {
      await directory?.close();
      await proxy?.stop();
      await slapd?.remove();
    });

    const login = (text: string, password = 'secret') => directory.authenticate(loginName(text), password, never);

    it('lets everybody in by uid and by mail address, in any case, as one and the same', async () => {
      const spellings = (name: string) => [
        name,
        name.toUpperCase(),
        `${name}@example.org`,
        `${name.toUpperCase()}@Example.ORG`,
      ];
      const users = await Promise.all(names.map(name => Promise.all(spellings(name).map(text => login(text)))));
      const ids = new Set<string>();
      for (const [index, found] of users.entries()) {
        const [first] = found;
        expect(found).toEqual(found.map(() => first));
        expect(first).toMatchObject({
          name: names[index],
          mail: `${names[index]}@example.org`,
          host: `host${index % 4}.example.org`,
        });
        expect([...(first?.groups ?? [])].sort()).toEqual([
          ...(index % 2 === 0 ? [`cn=even,ou=groups,${SLAPD_BASE}`] : []),
          `cn=staff,ou=groups,${SLAPD_BASE}`,
        ]);
        ids.add(first?.id ?? '');
      }
      expect(ids.size).toBe(USERS);
      expect([...ids].every(id => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id))).toBe(true);
    });

    it('refuses wrong passwords and unknown users', async () => {
      const kinds = await Promise.all(names.flatMap(name => [kindOf(login(name, 'wrong')), kindOf(login(`x${name}`))]));
      expect(kinds).toEqual(names.flatMap(() => ['bad-password', 'unknown-user']));
    });

    it('refuses who is locked or must change the password', async () => {
      expect(await kindOf(login('locked'))).toBe('refused');
      expect(await kindOf(login('mustchange'))).toBe('refused');
      expect(await kindOf(login('mustchange', 'wrong'))).toBe('bad-password');
    });

    it('refuses to choose between two', async () => {
      expect(await kindOf(login('twin@example.org'))).toBe('ambiguous');
      expect(await login('twin1')).toMatchObject({ name: 'twin1' });
    });

    it('knows names that are filters, and takes no filter for a name', async () => {
      expect(await login('odd(*)\\name')).toMatchObject({ name: 'odd(*)\\name' });
      expect(await login('zoë')).toMatchObject({ name: 'zoë' });
      for (const text of ['odd*', '*', '*)(uid=u000', 'u00*', 'u000)(uid=*', 'u000\0', 'odd\\28\\2a\\29\\5cname']) {
        expect(await kindOf(login(text))).toBe('unknown-user');
      }
    });

    it('lists everybody though the server sends no more than a hundred at once', async () => {
      const listed: DirectoryUser[] = [];
      for await (const user of directory.list(never)) listed.push(user);
      expect(listed).toHaveLength(USERS + 6);
      expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    });

    it('has sent no name and no password that could be read on the way', () => {
      expect(proxy.sent.length).toBeGreaterThan(10_000);
      // Long enough not to come about by chance in what is encrypted.
      for (const secret of ['secret', 'wrong', SLAPD_SERVICE.password, SLAPD_USERS]) {
        expect(proxy.sent.includes(secret)).toBe(false);
        expect(proxy.answered.includes(secret)).toBe(false);
      }
    });
  });
}
