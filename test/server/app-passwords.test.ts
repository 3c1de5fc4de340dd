import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, runCli } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';
import { ALICE, type TestUser } from '../support/static-door.ts';

const MARA: TestUser = { login: 'mara', password: 'secret', groups: ['phones'] };

describe('app passwords of a running server', () => {
  let postern: RunningPostern;
  beforeAll(async () => {
    postern = await startServedDoor({
      users: [ALICE, MARA],
      more: {
        authentication: {
          directories: ['users'],
          cache: { ttl: '5m' },
          throttle: { delay: '1ms' },
          app_passwords: { required_for: { groups: ['phones'] } },
        },
      },
    });
  });
  afterAll(() => postern.remove());

  const cli = async (...args: readonly string[]) => {
    const { stdout } = await runCli([...args, '--config', postern.configFile]);
    return stdout.trim();
  };
  const answerTo = async (login: string, password: string) => {
    const client = await ImapClient.connect({ port: postern.port('none'), tls: 'none' });
    const { tagged } = await client.command(`LOGIN ${login} ${password}`);
    client.close();
    return tagged.replace(/^\S+ /, '').trim();
  };

  it('let in at once, are told of, and end with their sessions when they are revoked', async () => {
    const phone = await cli('app-password', 'create', 'mara', '--name', 'phone');
    const tablet = await cli('app-password', 'create', 'mara', '--name', 'tablet');
    const onPhone = await enter(postern, { login: 'mara', password: phone });
    const onTablet = await enter(postern, { login: 'mara', password: tablet });
    const asked = await runCli(['explain', 'mara', '--from', '127.0.0.1', '--json', '--config', postern.configFile]);
    expect(JSON.parse(asked.stdout)).toMatchObject({
      ending: 'let-in',
      user: { appPasswords: 2 },
      running: { state: { login: 'mara', entry: { age: expect.any(Number) }, throttle: { hold: 0 }, sessions: 2 } },
    });
    const [, id] = /^(\S+) +phone /m.exec(await cli('app-password', 'list', 'mara')) ?? [];
    expect(await cli('app-password', 'revoke', 'mara', id ?? '')).toBe(`${id} revoked; sessions ended: 1`);
    await expect(onPhone.command('NOOP')).rejects.toThrow();
    expect((await onTablet.command('NOOP')).tagged).toMatch(/^\S+ OK/);
    expect(await answerTo('mara', phone)).toMatch(/^NO \[AUTHENTICATIONFAILED\]/);
    onTablet.close();
  });

  it('are in the audit log, also where one is required and the own password came; the passwords are not', async () => {
    const made = await cli('app-password', 'create', 'mara', '--name', 'laptop');
    const before = postern.log.length;
    expect(await answerTo('mara', made)).toMatch(/^OK/);
    expect(await answerTo('mara', 'secret')).toMatch(/^NO \[AUTHORIZATIONFAILED\] An app password is needed here/);
    expect(await answerTo('alice', 'secret')).toMatch(/^OK/);
    await postern.waitForLog(({ audit, login }) => audit === 'login' && login === 'alice', { from: before });
    expect(postern.log.slice(before).filter(({ audit }) => audit === 'login')).toMatchObject([
      { login: 'mara', outcome: 'ok', proof: 'app-password', appPassword: expect.stringMatching(/^\S{8} \(laptop\)$/) },
      {
        login: 'mara',
        directory: 'users',
        account: expect.any(String),
        outcome: 'not-authorized',
        detail: expect.stringMatching(/app password is required of members of phones/),
      },
      { login: 'alice', outcome: 'ok', proof: 'directory' },
    ]);
    expect(postern.output).not.toContain(made);
    expect(postern.output).not.toContain('secret');
  });
});
