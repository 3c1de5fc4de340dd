import { afterAll, beforeAll, expect, it } from 'vitest';
import { FLAT_THROTTLE, tryLogin } from '../support/front-door.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { describeWithSamba, SAMBA_SERVICE, SAMBA_STAFF, SambaDc, sambaPassword } from '../support/samba.ts';
import { testCa } from '../support/test-ca.ts';

describeWithSamba('Postern in front of Active Directory (Samba)', () => {
  let dc: SambaDc;
  let postern: RunningPostern;

  beforeAll(async () => {
    dc = await SambaDc.start();
    const { good, file } = await testCa();
    postern = await startPostern({
      listeners: [{ name: 'imaps', address: '127.0.0.1:0', tls: 'implicit' }],
      tls: { certificates: [{ certificate: good.certificateFile, key: good.keyFile }] },
      directories: {
        corp: {
          kind: 'ad',
          domain: 'ad.test',
          servers: [dc.host],
          server_name: 'localhost',
          ca: file,
          bind: SAMBA_SERVICE,
        },
      },
      authentication: {
        directories: ['corp'],
        login: { default_domain: 'example.org' },
        disclose: 'after-password',
        throttle: FLAT_THROTTLE,
      },
      routes: [
        { when: { group: `CN=all-staff,${SAMBA_STAFF}` }, mounts: [{ prefix: '', store: 'local' }] },
        { refuse: 'No mailbox here.' },
      ],
    });
  }, 90_000);

  afterAll(async () => {
    await postern?.remove();
    await dc?.remove();
  });

  it('lets in who is in the group through two others, by every name, and nobody else', async () => {
    const accounts = new Set<unknown>();
    for (const login of ['alice', 'ADTEST\\alice', 'alice@ad.test', 'Alice@Example.org']) {
      const { answer, audit } = await tryLogin(postern, login, sambaPassword('alice'));
      expect(answer).toMatch(/^OK /);
      expect(audit).toMatchObject({ outcome: 'ok', directory: 'corp' });
      accounts.add(audit.account);
    }
    expect(accounts.size).toBe(1);
    expect((await tryLogin(postern, 'bob', sambaPassword('bob'))).answer).toMatch(
      /^NO \[CONTACTADMIN\] No mailbox here\./,
    );
  });

  it.each([
    ['pwexpired', /NO \[EXPIRED\] Your password has expired/, /data 532.*password expired/],
    ['mustchange', /NO \[EXPIRED\] Your password must be changed/, /data 773/],
    ['disabled', /NO \[CONTACTADMIN\] Your account is disabled/, /data 533.*account disabled/],
    ['locked', /NO \[AUTHENTICATIONFAILED\]/, /data 775.*account locked/],
  ])('%s: the client reads what it may, the audit log has it all', async (name, answered, logged) => {
    const right = await tryLogin(postern, name, sambaPassword(name));
    expect(right.answer).toMatch(answered);
    expect(right.audit).toMatchObject({ outcome: 'refused', detail: expect.stringMatching(logged) });
    const wrong = await tryLogin(postern, name, 'wrong');
    expect(wrong.answer).toMatch(/NO \[AUTHENTICATIONFAILED\]/);
    expect(JSON.stringify(wrong.audit)).not.toContain('wrong"');
  });
});
