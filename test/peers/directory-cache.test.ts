import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { ANSWERS } from '../../src/imap/answers.ts';
import { Dovecot } from '../support/dovecot.ts';
import { frontDoor, knock, logIn, tryLogin } from '../support/front-door.ts';
import { describeWithPeers } from '../support/peers.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { SLAPD_BASE, SLAPD_PASSWORD, SLAPD_USERS, Slapd } from '../support/slapd.ts';

const REFUSED = `NO [AUTHENTICATIONFAILED] ${ANSWERS['authentication-failed'].text}`;
const run = promisify(execFile);

describeWithPeers(['slapd', 'dovecot', 'ldapsearch'], 'Postern before OpenLDAP that changes', () => {
  let slapd: Slapd;
  let dovecot: Dovecot;
  let postern: RunningPostern | undefined;

  beforeAll(async () => {
    slapd = await Slapd.start({ users: 20 });
    // Users' passwords change here, the mail server's stay: it lets Postern in on its own word.
    dovecot = await Dovecot.start({ anyUserWith: 'nobody has this', masters: { postern: 'master secret' } });
  });

  afterAll(async () => {
    await dovecot?.remove();
    await slapd?.remove();
  });

  afterEach(async () => {
    await postern?.remove();
    postern = undefined;
  });

  async function openDoor(authentication: Record<string, unknown>): Promise<RunningPostern> {
    const upstreamLogin = { as: 'master', name: '{name}', user: 'postern', password: 'master secret' };
    postern = await startPostern(
      await frontDoor({ directory: [slapd.tlsPort], dovecot, upstreamLogin, authentication }),
    );
    return postern;
  }

  const admin = (program: string, ...args: readonly string[]) =>
    run(program, [
      ...['-x', '-H', `ldap://127.0.0.1:${slapd.port}`, '-D', `cn=admin,${SLAPD_BASE}`, '-w', 'admin'],
      ...args,
    ]);
  const dnOf = (name: string) => `uid=${name},${SLAPD_USERS}`;
  /** As users do it themselves. */
  const setPassword = (name: string, password: string) =>
    run('ldappasswd', [
      ...['-x', '-H', `ldap://127.0.0.1:${slapd.port}`, '-D', dnOf(name), '-w', SLAPD_PASSWORD],
      ...['-s', password],
    ]);

  async function modify(ldif: string): Promise<void> {
    const done = admin('ldapmodify');
    done.child.stdin?.end(ldif);
    await done;
  }

  /** Lets in, and by what it was proven. */
  async function proof(door: RunningPostern, login: string, password: string): Promise<unknown> {
    const { answer, audit } = await tryLogin(door, login, password);
    if (audit.outcome !== 'ok') {
      expect(answer).toBe(REFUSED);
      return audit.outcome;
    }
    expect(answer).toMatch(/^OK /);
    return audit.proof;
  }

  it('asks the directory once, and again when the time is up', async () => {
    const door = await openDoor({ cache: { ttl: '2s' } });
    expect(await proof(door, 'u000', SLAPD_PASSWORD)).toBe('directory');
    expect(await proof(door, 'u000', SLAPD_PASSWORD)).toBe('cache');
    // Unused: whoever is active is asked about in the background, and stays proven.
    await new Promise(resolve => setTimeout(resolve, 2200));
    expect(await proof(door, 'u000', SLAPD_PASSWORD)).toBe('directory');
  });

  it('takes a new password at once, and then the old one no more', async () => {
    const door = await openDoor({ cache: { ttl: '10m' } });
    expect(await proof(door, 'u001', SLAPD_PASSWORD)).toBe('directory');
    await setPassword('u001', 'brand new');
    // What was proven counts for ttl.
    expect(await proof(door, 'u001', SLAPD_PASSWORD)).toBe('cache');
    expect(await proof(door, 'u001', 'brand new')).toBe('directory');
    expect(await proof(door, 'u001', 'brand new')).toBe('cache');
    expect(await proof(door, 'u001', SLAPD_PASSWORD)).toBe('bad-password');
    // Nor did asking with the old one undo the new.
    expect(await proof(door, 'u001', 'brand new')).toBe('cache');
  });

  it('lets the old password go within ttl though nobody uses the new one', async () => {
    const door = await openDoor({ cache: { ttl: '2s' } });
    expect(await proof(door, 'u002', SLAPD_PASSWORD)).toBe('directory');
    await setPassword('u002', 'brand new');
    // Being used does not prolong it.
    await until('the old one is refused', async () => {
      const found = await proof(door, 'u002', SLAPD_PASSWORD);
      // The question in the background may hear it first; then it is known.
      expect(['cache', 'bad-password', 'known-wrong']).toContain(found);
      return found !== 'cache';
    });
    expect(await proof(door, 'u002', SLAPD_PASSWORD)).toBe('known-wrong');
    expect(await proof(door, 'u002', 'brand new')).toBe('directory');
  });

  it('keeps users with the same password apart', async () => {
    const door = await openDoor({ cache: { ttl: '10m' } });
    expect(await proof(door, 'u003', SLAPD_PASSWORD)).toBe('directory');
    expect(await proof(door, 'u004', SLAPD_PASSWORD)).toBe('directory');
    expect(await proof(door, 'u004', SLAPD_PASSWORD)).toBe('cache');
    // By another name of the same user, the directory says who that is.
    expect(await proof(door, 'u003@example.org', SLAPD_PASSWORD)).toBe('directory');
    await setPassword('u005', 'another');
    expect(await proof(door, 'u005', SLAPD_PASSWORD)).toBe('bad-password');

    dovecot.deliver('u003', 'Subject: for three\r\n\r\nhello\r\n');
    for (const [login, messages] of [
      ['u003', 1],
      ['u004', 0],
      ['u003@example.org', 1],
    ] as const) {
      const client = await knock(door);
      expect(await logIn(client, login, SLAPD_PASSWORD)).toMatch(/^OK /);
      expect((await client.command('SELECT INBOX')).untagged).toContain(`* ${messages} EXISTS`);
      await client.logout();
    }
  });

  it('ends the sessions of a removed user, forgets what was proven, and leaves others alone', async () => {
    const door = await openDoor({ cache: { ttl: '10m' }, recheck: '300ms' });
    const [leaver, other] = [await knock(door), await knock(door)];
    expect(await logIn(leaver, 'u006', SLAPD_PASSWORD)).toMatch(/^OK /);
    expect(await logIn(other, 'u007', SLAPD_PASSWORD)).toMatch(/^OK /);
    const again = await knock(door);
    expect(await logIn(again, 'u006@example.org', SLAPD_PASSWORD)).toMatch(/^OK /);

    await admin('ldapdelete', dnOf('u006'));
    await Promise.all([leaver.closed, again.closed]);
    expect(leaver.unread).toMatch(/\* BYE /);
    for (const login of ['u006', 'u006@example.org']) {
      await door.waitForLog(line => line.audit === 'session-revoked' && line.login === login && line.sessions === 1);
    }
    expect(await proof(door, 'u006', SLAPD_PASSWORD)).toBe('unknown-user');
    expect(await proof(door, 'u006@example.org', SLAPD_PASSWORD)).toBe('unknown-user');
    expect((await other.command('NOOP')).tagged).toMatch(/ OK /);
    other.close();
  });

  it('ends the sessions of an address that was taken away, and not those of its owner’s name', async () => {
    const door = await openDoor({ cache: { ttl: '10m' }, recheck: '300ms' });
    const [byName, byMail] = [await knock(door), await knock(door)];
    expect(await logIn(byName, 'u011', SLAPD_PASSWORD)).toMatch(/^OK /);
    expect(await logIn(byMail, 'u011@example.org', SLAPD_PASSWORD)).toMatch(/^OK /);
    await modify(`dn: ${dnOf('u011')}\nchangetype: modify\nreplace: mail\nmail: new@example.org\n`);
    await byMail.closed;
    expect((await byName.command('NOOP')).tagged).toMatch(/ OK /);
    expect(await proof(door, 'u011@example.org', SLAPD_PASSWORD)).toBe('unknown-user');
    byName.close();
  });

  it('ends the sessions of whoever left the required group', async () => {
    const authentication = {
      cache: { ttl: '10m' },
      recheck: '300ms',
      require: { groups: [`cn=even,ou=groups,${SLAPD_BASE}`] },
    };
    const door = await openDoor(authentication);
    const session = await knock(door);
    expect(await logIn(session, 'u008', SLAPD_PASSWORD)).toMatch(/^OK /);
    const odd = await tryLogin(door, 'u009', SLAPD_PASSWORD);
    expect(odd.answer).toBe(`NO [AUTHORIZATIONFAILED] ${ANSWERS['authorization-failed'].text}`);

    const change = `dn: cn=even,ou=groups,${SLAPD_BASE}\nchangetype: modify\ndelete: member\nmember: ${dnOf('u008')}\n`;
    await modify(change);
    await session.closed;
    expect((await tryLogin(door, 'u008', SLAPD_PASSWORD)).audit.outcome).toBe('not-authorized');
  });

  it('ends nobody’s session because the directory does not answer', async () => {
    const door = await openDoor({ recheck: '300ms' });
    const session = await knock(door);
    expect(await logIn(session, 'u010', SLAPD_PASSWORD)).toMatch(/^OK /);
    await slapd.stop();
    const from = door.log.length;
    for (let round = 0; round < 2; round += 1) {
      await door.waitForLog(({ msg }) => msg === 'could not recheck a session; it goes on', { from });
    }
    expect((await session.command('NOOP')).tagged).toMatch(/ OK /);
    await slapd.start();
    expect((await session.command('NOOP')).tagged).toMatch(/ OK /);
    session.close();
  });
});
