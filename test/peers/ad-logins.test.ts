import { afterAll, beforeAll, expect, it } from 'vitest';
import { openAdDirectory } from '../../src/auth/ad/directory.ts';
import { AuthError, type Directory } from '../../src/auth/directory.ts';
import type { Disclosure } from '../../src/auth/disclosure.ts';
import { ANSWERS } from '../../src/imap/answers.ts';
import { loginStand } from '../auth/login-stand.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { adConfig } from '../support/ad-config.ts';
import { silentLog } from '../support/ldap-config.ts';
import { describeWithSamba, SAMBA_BASE, SAMBA_STAFF, SambaDc, sambaPassword } from '../support/samba.ts';

const never = new AbortController().signal;
const POLICIES: readonly Disclosure[] = ['none', 'after-password', 'all'];

/** What a client is told: response codes under `none`, `after-password`, `all`; and what the log says. */
interface Told {
  readonly right: readonly [string, string, string];
  readonly rightReason: RegExp;
  readonly wrong: readonly [string, string, string];
  readonly wrongReason: RegExp;
}

const NO = 'AUTHENTICATIONFAILED';
const expired = (data: string, meaning: string): Told => trouble('EXPIRED', data, meaning);
const contact = (data: string, meaning: string): Told => trouble('CONTACTADMIN', data, meaning);

/** The domain controller says the reason only with the right password; with the wrong one the entry does. */
function trouble(code: string, data: string, meaning: string): Told {
  return {
    right: [NO, code, code],
    rightReason: new RegExp(`refused: .*data ${data}.*\\(${meaning}\\)`),
    wrong: [NO, NO, code],
    wrongReason: new RegExp(`bad-password: .*data 52e.*\\(and ${meaning}\\)`),
  };
}

const TABLE: Readonly<Record<string, Told>> = {
  disabled: contact('533', 'account disabled'),
  acctexpired: contact('701', 'account expired'),
  pwexpired: expired('532', 'password expired'),
  mustchange: expired('773', 'password must be changed'),
  nohours: trouble('UNAVAILABLE', '530', 'not at this hour'),
  // Nobody but the domain controller says which workstation we are.
  badstation: {
    ...contact('531', 'not from this workstation'),
    wrong: [NO, NO, NO],
    wrongReason: /bad-password: .*data 52e, v1db1"$/,
  },
  // Said to whoever asks, before the password is looked at.
  locked: {
    right: [NO, NO, 'CONTACTADMIN'],
    rightReason: /refused: .*data 775.*\(account locked\)/,
    wrong: [NO, NO, 'CONTACTADMIN'],
    wrongReason: /refused: .*data 775.*\(account locked\)/,
  },
  alice: {
    right: ['directory', 'directory', 'directory'],
    rightReason: new RegExp(`^CN=alice,${SAMBA_STAFF}$`),
    wrong: [NO, NO, NO],
    wrongReason: /bad-password: .*data 52e, v1db1"$/,
  },
};

describeWithSamba('Active Directory (Samba)', () => {
  let dc: SambaDc;
  let directory: Directory;
  const opened: Directory[] = [];

  const open = async (keys: Readonly<Record<string, unknown>> = {}) => {
    const config = await adConfig({ servers: [dc.host], ...keys });
    const made = openAdDirectory('corp', config, { log: silentLog });
    opened.push(made);
    return made;
  };
  const login = (name: string, password: string, at = directory) => at.authenticate(loginName(name), password, never);
  const groupsOf = async (name: string, at = directory) => (await at.lookup(loginName(name), never))?.groups ?? [];

  beforeAll(async () => {
    dc = await SambaDc.start();
    directory = await open();
  }, 90_000);

  afterAll(async () => {
    for (const made of opened) await made.close();
    await dc?.remove();
  });

  it.each(Object.entries(TABLE))('%s: what the client is told under each policy, and the log', async (name, told) => {
    for (const [index, policy] of POLICIES.entries()) {
      // One pipeline for each, as a result is cached; without its waiting.
      const attempt = async (password: string) => {
        const ending = await loginStand([directory], { disclose: policy }).attempt(name, password);
        return { code: ending.kind === 'directory' ? ending.kind : codeOf(ending.kind), detail: ending.detail };
      };
      const right = await attempt(sambaPassword(name));
      expect(right.code).toBe(told.right[index]);
      expect(right.detail).toMatch(told.rightReason);
      // The third wrong one would lock, for a minute.
      if (index > 0 && told.wrong[index] === told.wrong[0]) continue;
      const wrong = await attempt('wrong');
      expect(wrong.code).toBe(told.wrong[index]);
      expect(wrong.detail).toMatch(told.wrongReason);
    }
  });

  it.each([
    ['disabled', 'disabled'],
    ['acctexpired', 'account-expired'],
    ['pwexpired', 'password-expired'],
    ['mustchange', 'must-change'],
    ['nohours', 'hours'],
    ['locked', 'locked'],
  ])('%s is refused without a password, too', async (name, expected) => {
    const error: unknown = await directory.lookup(loginName(name), never).catch((reason: unknown) => reason);
    expect(error instanceof AuthError && [error.kind, error.refusal]).toEqual([
      'refused',
      { trouble: expected, passwordProven: false },
    ]);
  });

  it('an account that expires later, or whose state allows it, is looked up', async () => {
    expect(await directory.lookup(loginName('acctexpires'), never)).toMatchObject({ name: 'acctexpires' });
    const { id, groups } = await login('acctexpires', sambaPassword('acctexpires'));
    expect(await directory.lookup(loginName('acctexpires'), never)).toMatchObject({ id, groups });
  });

  it('everybody is one and the same under all names', async () => {
    const forms = ['zoe', 'ADTEST\\zoe', 'adtest\\ZOE', 'ad.test\\zoe', 'zoe@ad.test', 'ZOE@AD.TEST', 'zoe@adtest'];
    const addresses = ['zoe@example.org', 'zoe.g@example.org', 'Zoe@old.example'];
    const users = await Promise.all([...forms, ...addresses].map(form => login(form, sambaPassword('zoe'))));
    const [first] = users;
    expect(users).toEqual(users.map(() => first));
    expect(first).toMatchObject({ name: 'zoe', mail: 'zoe@example.org', entry: `CN=zoe,${SAMBA_STAFF}` });
    expect(first?.id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(first?.attributes.get('displayname')).toEqual(['Zoë Größe']);
    expect([...(first?.attributes.keys() ?? [])].filter(name => /sid|control|pwd|lockout/.test(name))).toEqual([]);
    expect(await login('upn@mail.example', sambaPassword('renamed'))).toMatchObject({ name: 'renamed' });
    expect(await login('renamed@ad.test', sambaPassword('renamed'))).toMatchObject({ name: 'renamed' });
  });

  it('a login with the domain of others is nobody, so that the next directory is asked', async () => {
    const others = ['zoe@elsewhere.example', 'OTHER\\zoe', 'OTHER\\zoe@ad.test', 'zoe\\adtest', '\\zoe', 'adtest\\'];
    for (const form of others) expect(await kindOf(login(form, sambaPassword('zoe')))).toBe('unknown-user');
    const more = await open({ suffixes: ['elsewhere.example'] });
    expect(await login('zoe@elsewhere.example', sambaPassword('zoe'), more)).toMatchObject({ name: 'zoe' });
  });

  it('without a service account users prove themselves, and are nobody else', async () => {
    const own = await open({ bind: undefined });
    for (const form of ['alice', 'ADTEST\\alice', 'alice@ad.test']) {
      expect(await login(form, sambaPassword('alice'), own)).toEqual(await login('alice', sambaPassword('alice')));
    }
    expect(await kindOf(login('bob', 'wrong', own))).toBe('bad-password');
    expect(await kindOf(login('disabled', sambaPassword('disabled'), own))).toBe('refused');
    expect(await kindOf(own.lookup(loginName('alice'), never))).toBe('misconfigured');
    // Who binds as one and would find another.
    const filter = '(|(sAMAccountName={account}x)(sAMAccountName=bob))';
    const astray = await open({ bind: undefined, users: { filter } });
    expect(await kindOf(login('alice', sambaPassword('alice'), astray))).toBe('refused');
    expect(await kindOf(login('bob', sambaPassword('bob'), astray))).toBe('no error');
  });

  it('names with signs of DNs and filters are names', async () => {
    expect(await login('odd', sambaPassword('odd'))).toMatchObject({ entry: `CN=o'dd\\, (n*me),${SAMBA_STAFF}` });
    const chain = await open({ users: { nested: 'chain' } });
    expect(sorted(await groupsOf('odd', chain))).toEqual(sorted([users, builtin]));
    for (const form of ['*', 'zo*', 'zoe)(cn=*', 'ADTEST\\*', '*\\zoe']) {
      expect(await kindOf(login(form, sambaPassword('zoe')))).toBe('unknown-user');
    }
  });

  const users = `CN=Domain Users,CN=Users,${SAMBA_BASE}`;
  const builtin = `CN=Users,CN=Builtin,${SAMBA_BASE}`;
  const staff = (...names: readonly string[]) => names.map(name => `CN=${name},${SAMBA_STAFF}`);
  const inner = `CN=letters\\, inner (2),${SAMBA_STAFF}`;
  const sorted = (names: readonly string[]) => [...names].sort();

  it('groups are found three deep, through a loop, among 1,601 members, with the primary group', async () => {
    const deep = ['backend', 'engineering', 'all-staff'];
    const loop = ['loop-a', 'loop-b', 'loop-c'];
    expect(sorted(await groupsOf('alice'))).toEqual(sorted([...staff(...deep), inner, users, builtin]));
    expect(sorted(await groupsOf('carol'))).toEqual(sorted([...staff(...loop), users, builtin]));
    expect(sorted(await groupsOf('dave'))).toEqual(sorted([...staff('everyone'), users, builtin]));
    expect((await login('alice', sambaPassword('alice'))).groups).toEqual(await groupsOf('alice'));

    const chain = await open({ users: { nested: 'chain' } });
    const letters = [inner, ...staff('letters')];
    expect(sorted(await groupsOf('alice', chain))).toEqual(sorted([...staff(...deep), ...letters, users, builtin]));
    expect(sorted(await groupsOf('carol', chain))).toEqual(sorted([...staff(...loop), users, builtin]));
    expect(sorted(await groupsOf('dave', chain))).toEqual(sorted([...staff('everyone'), users, builtin]));

    const direct = await open({ users: { nested: 'off' } });
    expect(sorted(await groupsOf('alice', direct))).toEqual(sorted([...staff('backend'), inner, users]));
  });

  it('an attribute of 1,601 values is read whole, also in the parts that Active Directory sends', async () => {
    const filter = '(&(objectClass=group)(sAMAccountName={account}))';
    // Samba sends parts only to who asks for the first one.
    for (const member of ['member', 'member;range=0-1499']) {
      const groups = await open({ users: { filter, nested: 'off', attributes: { extra: [member] } } });
      const members = new Map<string, readonly string[]>();
      for await (const { name, attributes } of groups.list(never)) members.set(name, attributes.get('member') ?? []);
      expect(new Set(members.get('everyone')).size).toBe(1601);
    }
  });

  it('the global catalog knows the forest, and lists it', async () => {
    const forest = await open({ servers: [`${dc.host}:3269`], users: { base: '', nested: 'chain' } });
    for (const form of ['alice', 'ADTEST\\alice', 'alice@ad.test', 'alice@example.org']) {
      expect(await login(form, sambaPassword('alice'), forest)).toMatchObject({ name: 'alice' });
    }
    expect(await groupsOf('alice', forest)).toContain(`CN=all-staff,${SAMBA_STAFF}`);
  });

  it('domain controllers found by DNS are used', async () => {
    const asked: string[] = [];
    const config = await adConfig({ servers: { site: 'Somewhere' } });
    const found = openAdDirectory('corp', config, {
      log: silentLog,
      resolve: async name => {
        asked.push(name);
        return [{ name: dc.host, port: 389, priority: 0, weight: 100 }];
      },
    });
    opened.push(found);
    expect(await login('alice', sambaPassword('alice'), found)).toMatchObject({ name: 'alice' });
    expect(found.servers()).toEqual([{ server: `${dc.host}:636`, state: 'up' }]);
    expect(asked).toEqual(['_ldap._tcp.Somewhere._sites.dc._msdcs.ad.test', '_ldap._tcp.dc._msdcs.ad.test']);
  });

  it('StartTLS serves as well; in clear the domain controller refuses, which is no outage', async () => {
    expect(await login('alice', sambaPassword('alice'), await open({ tls: 'starttls' }))).toMatchObject({
      name: 'alice',
    });
    const clear = await open({ tls: 'none', ca: undefined, server_name: undefined });
    const error: unknown = await login('alice', sambaPassword('alice'), clear).catch((reason: unknown) => reason);
    expect(error instanceof AuthError && `${error.kind}: ${error.message}`).toMatch(
      /^misconfigured: .*result 8 .*use tls/,
    );
  });

  it('a locked account is told apart as soon as it locks, and its owner by the lookup', async () => {
    for (let tries = 0; tries < 3; tries += 1) expect(await kindOf(login('lockme', 'wrong'))).toBe('bad-password');
    expect(await kindOf(login('lockme', sambaPassword('lockme')))).toBe('refused');
    expect(await kindOf(directory.lookup(loginName('lockme'), never))).toBe('refused');
  });

  it('lists everybody, whatever their state', async () => {
    const listed = new Map<string, readonly string[]>();
    for await (const user of directory.list(never)) listed.set(user.name, user.groups);
    expect([...listed.keys()]).toEqual(expect.arrayContaining(['alice', 'zoe', 'disabled', 'locked', 'odd']));
    expect(listed.get('alice')).toContain(`CN=all-staff,${SAMBA_STAFF}`);
  });
});

function codeOf(kind: string): string {
  return Object.entries(ANSWERS).find(([name]) => name === kind)?.[1].code ?? kind;
}
