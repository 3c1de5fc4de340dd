import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appPasswordCommand } from '../../src/cli/app-password.ts';
import { check } from '../../src/cli/check.ts';
import { UsageError } from '../../src/cli/command.ts';
import { CommandStand, STATIC_CONFIG, USERS } from './command-stand.ts';

const TAKEN = STATIC_CONFIG.replace('  login: { case', '  app_passwords: {}\n  login: { case').replace(
  'data: data }',
  'data: data }\nadmin: { socket: admin.sock }',
);

describe('postern app-password', () => {
  let stand = new CommandStand();
  beforeEach(() => {
    stand = new CommandStand();
    stand.write('postern.yaml', TAKEN);
    stand.write('users.yaml', USERS);
  });
  afterEach(() => stand.remove());
  const run = (...args: readonly string[]) => stand.run(appPasswordCommand, ...args, '--config', 'postern.yaml');

  it('shows a new one once, and lists it without', async () => {
    const made = await run('create', 'Alice', '--name', 'phone', '--from', '10.0.0.0/8', '--expires', '90d');
    expect(made.status).toBe(0);
    expect(made.stdout).toMatch(/^([a-z2-9]{4}-){6}[a-z2-9]{4}\n$/);
    const id = /App password (\S+) \(phone\)/.exec(made.stderr)?.[1] ?? '';
    // Her mail address leads to the same account.
    const { stdout } = await run('list', 'alice@example.org');
    expect(stdout).toMatch(new RegExp(`^${id} +phone +20\\S+ \\S+ +20\\S+ \\S+ +all +10\\.0\\.0\\.0/8 +never$`, 'm'));
    expect((await run('list', 'bob')).stdout).toBe('No app passwords.\n');
    const json = (await run('list', 'alice', '--json')).stdout;
    expect(JSON.parse(json)).toMatchObject({ id, name: 'phone', from: ['10.0.0.0/8'] });
    expect(json).not.toMatch(/hash|SCRAM/);
  });

  it('revokes one or all, and says that no server had sessions to end', async () => {
    const ids: string[] = [];
    for (let made = 0; made < 3; made += 1) {
      const { stdout } = await run('create', 'alice', '--json');
      ids.push(String(JSON.parse(stdout).id));
    }
    const first = await run('revoke', 'alice', ids[0] ?? '');
    expect(first).toMatchObject({ status: 0, stdout: `${ids[0]} revoked\n` });
    expect(first.stderr).toMatch(/No sessions were ended: Postern is not running/);
    expect(await run('revoke', 'alice', ids[0] ?? '')).toMatchObject({ status: 1 });
    expect((await run('revoke', 'alice', '--all')).stdout.split('\n').length).toBe(3);
    expect((await run('list', 'alice')).stdout).toBe('No app passwords.\n');
  });

  it('says that none is taken without app_passwords in the configuration', async () => {
    stand.write('postern.yaml', STATIC_CONFIG);
    expect((await run('create', 'alice')).stderr).toMatch(/no app password is taken until/);
  });

  it('refuses nobody’s login with status 1', async () => {
    expect(await run('create', 'nobody')).toMatchObject({ status: 1, stdout: '' });
  });

  it.each([
    [['create']],
    [['make', 'alice']],
    [['create', 'alice', '--only', 'pop3']],
    [['create', 'alice', '--from', 'office']],
    [['create', 'alice', '--expires', 'tomorrow']],
    [['create', 'alice', '--expires', '2020-01-01']],
    [['create', 'alice', '--expires', '2027-02-30']],
    [['create', 'alice', '--name', 'a\nb']],
    [['create', 'alice', 'bob']],
    [['revoke', 'alice']],
    [['revoke', 'alice', 'abcdefgh', '--all']],
    [['list', 'alice', '--name', 'x']],
  ])('takes no %j', async args => {
    await expect(run(...args)).rejects.toThrow(UsageError);
  });

  it('is warned of by check where upstreams get the password that was typed', async () => {
    const { status, stderr } = await stand.run(check, '--config', 'postern.yaml');
    expect(status).toBe(0);
    expect(stderr).toMatch(/upstreams\.old.*app passwords are refused/s);
    stand.write('postern.yaml', STATIC_CONFIG);
    expect((await stand.run(check, '--config', 'postern.yaml')).stderr).toBe('');
  });
});
