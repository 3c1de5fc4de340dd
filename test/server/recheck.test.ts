import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { accountId } from '../../src/auth/account-id.ts';
import { AuditLog } from '../../src/observe/audit.ts';
import { SessionRegistry } from '../../src/observe/session-registry.ts';
import { recheckSessions } from '../../src/server/recheck.ts';
import { FakeDirectory, someUser } from '../auth/fake-directory.ts';
import { loginStand } from '../auth/login-stand.ts';

/** Sessions of users of a directory, and what becomes of them. */
function stand(logins: readonly string[]) {
  const directory = new FakeDirectory();
  const sessions = new SessionRegistry();
  const ended: string[] = [];
  const events: unknown[] = [];
  const lines: unknown[] = [];
  for (const [index, login] of logins.entries()) {
    directory.add(login, 'secret');
    const id = `${login}-${index}`;
    const entry = sessions.open({
      id,
      listener: 'imaps',
      address: '192.0.2.1',
      port: 1,
      since: 0,
      phase: 'relay',
      kick: reason => ended.push(`${id}: ${reason}`),
    });
    const user = someUser(login);
    sessions.identify(entry, {
      ...user,
      account: accountId('corp', user.id),
      login,
      mechanism: 'PLAIN',
      proof: 'directory',
    });
  }
  const { authenticator } = loginStand([directory]);
  const run = () =>
    recheckSessions(authenticator, {
      sessions,
      audit: new AuditLog(line => events.push(JSON.parse(line))),
      log: pino({}, { write: (line: string) => lines.push(JSON.parse(line)) }),
    });
  return { directory, sessions, ended, events, lines, run };
}

const GONE = 'Your account may not use this service any more.';

describe('a recheck', () => {
  it('ends the sessions of those whom the directory does not have any more, and nobody else’s', async () => {
    const { directory, ended, events, run } = stand(['ada', 'bob', 'ada']);
    await run();
    expect(ended).toEqual([]);
    directory.users.delete('ada');
    await run();
    expect(ended).toEqual([`ada-0: ${GONE}`, `ada-2: ${GONE}`]);
    expect(events).toMatchObject([{ audit: 'session-revoked', login: 'ada', sessions: 2 }]);
  });

  it('asks about those who are served, too', async () => {
    const { directory, sessions, ended, run } = stand(['ada', 'bob']);
    for (const entry of sessions.list()) entry.phase = 'serve';
    directory.users.delete('bob');
    await run();
    expect(ended).toEqual([`bob-1: ${GONE}`]);
  });

  it('asks once for each login, however many sessions it has', async () => {
    const { directory, run } = stand(['ada', 'ada', 'bob', 'ada']);
    await run();
    expect(directory.asked).toEqual(['lookup ada', 'lookup bob']);
  });

  it('asks nothing about those who have not logged in', async () => {
    const { directory, sessions, run } = stand(['ada', 'bob']);
    for (const entry of sessions.list()) entry.phase = 'login';
    await run();
    expect(directory.asked).toEqual([]);
  });

  it.each(['unavailable', 'untrusted', 'ambiguous'] as const)(
    'ends nobody’s session because a directory is %s',
    async failure => {
      const { directory, ended, lines, run } = stand(['ada', 'bob']);
      directory.failure = failure;
      await run();
      expect(ended).toEqual([]);
      expect(lines).toHaveLength(2);
      directory.failure = new Error('a bug');
      await run();
      expect(ended).toEqual([]);
    },
  );

  it('goes on with the others when one lookup fails', async () => {
    const { directory, ended, run } = stand(['ada', 'bob']);
    directory.users.delete('bob');
    const lookup = directory.lookup.bind(directory);
    directory.lookup = async (login, signal) => {
      if (login.login === 'ada') throw new Error('a bug');
      return await lookup(login, signal);
    };
    await run();
    expect(ended).toEqual([`bob-1: ${GONE}`]);
  });
});
