import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { accountId } from '../../src/auth/account-id.ts';
import { UsageError } from '../../src/cli/command.ts';
import { replay } from '../../src/cli/replay.ts';
import type { LoginEvent } from '../../src/observe/audit.ts';
import { auditLines } from './audit-lines.ts';
import { CommandStand, STATIC_CONFIG, USERS } from './command-stand.ts';

const judgement = z.object({ login: z.string(), fate: z.string(), becomes: z.string(), reason: z.string() });

/** As a login of the second listener was recorded. */
const ALICE: Partial<LoginEvent> = {
  given: 'Alice',
  listener: '127.0.0.1:1143',
  upstream: 'old',
  upstreamLogin: 'alice',
  account: accountId('people', 'alice'),
  proof: 'directory',
};
const BOB: Partial<LoginEvent> = { ...ALICE, given: 'bob', upstreamLogin: 'bob', account: accountId('people', 'bob') };

describe('postern replay', () => {
  const stand = new CommandStand();
  beforeAll(() => {
    stand.write('users.yaml', USERS);
  });
  afterAll(() => stand.remove());

  /** Replays logins by a configuration. */
  const judge = async (config: string, ...events: readonly Partial<LoginEvent>[]) => {
    stand.write('new.yaml', config);
    stand.write('audit.log', auditLines(...events));
    const { status, stdout } = await stand.run(replay, 'audit.log', '--config', 'new.yaml', '--json');
    const rows = stdout.split('\n').filter(line => line !== '');
    return { status, judgements: rows.map(row => judgement.parse(JSON.parse(row))) };
  };

  it('tells that nothing changes for those who came in, each once', async () => {
    const { status, judgements } = await judge(STATIC_CONFIG, ALICE, { ...ALICE, given: 'alice' }, BOB, {
      given: 'nobody',
      outcome: 'unknown-user',
    });
    expect(status).toBe(0);
    expect(judgements).toMatchObject([
      { login: 'alice', fate: 'same', becomes: 'relay old as alice' },
      { login: 'bob', fate: 'same' },
    ]);
  });

  it.each<[string, string, Partial<LoginEvent>, number, object]>([
    [
      'another server',
      STATIC_CONFIG.replace('relay: "{host}"', 'relay: new'),
      {},
      2,
      { fate: 'moved', becomes: 'relay new as alice' },
    ],
    [
      'another name there',
      STATIC_CONFIG.replaceAll('tls: none }\n  new', 'tls: none, login: { as: user, name: "{mail}" } }\n  new'),
      {},
      2,
      { fate: 'moved', becomes: 'relay old as alice@example.org' },
    ],
    ['a store', STATIC_CONFIG.replace('relay: "{host}"', 'store: local'), {}, 2, { fate: 'moved', becomes: 'served' }],
    [
      'another account',
      STATIC_CONFIG.replace('relay: "{host}"', 'store: local'),
      { upstream: undefined, upstreamLogin: undefined, account: accountId('persons', 'alice') },
      2,
      { fate: 'moved', reason: expect.stringMatching(/other mailboxes/) },
    ],
    [
      'a refusal',
      STATIC_CONFIG.replace('relay: "{host}"', 'refuse: "Gone."'),
      {},
      1,
      { fate: 'lost', reason: 'refused by routes[1]: Gone.' },
    ],
    ['nobody', STATIC_CONFIG, { given: 'zoe', login: 'zoe' }, 1, { fate: 'lost', reason: 'unknown in people' }],
    [
      'a required group',
      STATIC_CONFIG.replace('  login: { case', '  require: { groups: [mail] }\n  login: { case'),
      {},
      1,
      { fate: 'lost', reason: expect.stringMatching(/none of the required groups/) },
    ],
    [
      'app passwords',
      STATIC_CONFIG.replace(
        '  login: { case',
        '  app_passwords: { required_for: { groups: [staff] } }\n  login: { case',
      ),
      {},
      1,
      { fate: 'lost', reason: 'an app password is required of members of staff' },
    ],
    [
      'no app passwords',
      STATIC_CONFIG,
      { proof: 'app-password' },
      1,
      { fate: 'lost', reason: 'app passwords are not taken any more' },
    ],
    [
      'a mechanism that is gone',
      STATIC_CONFIG.replace('  login: { case', '  mechanisms: [LOGIN]\n  login: { case'),
      {},
      1,
      { fate: 'lost', reason: 'PLAIN is not offered any more' },
    ],
    [
      'a listener that is gone',
      STATIC_CONFIG,
      { listener: 'imaps' },
      1,
      { fate: 'lost', reason: 'there is no listener imaps any more' },
    ],
    [
      'old TLS',
      `${STATIC_CONFIG}tls: { minimum: TLSv1.3 }\n`,
      { tls: { version: 'TLSv1.2' } },
      1,
      { fate: 'lost', reason: 'TLSv1.2 is below tls.minimum' },
    ],
    [
      'a directory that is silent',
      STATIC_CONFIG.replace(
        /directories:\n.*\n/,
        'directories:\n  people: { kind: ldap, servers: ["127.0.0.1:1"], tls: none, timeout: 2s, users: { base: "dc=x" } }\n',
      ),
      {},
      3,
      { fate: 'undecided', becomes: '?' },
    ],
  ])('tells of %s', async (_, config, event, status, expected) => {
    expect(await judge(config, { ...ALICE, ...event })).toMatchObject({ status, judgements: [expected] });
  });

  it('judges by the latest of those that are alike', async () => {
    const old = { ...ALICE, tls: { version: 'TLSv1.2' } };
    const config = `${STATIC_CONFIG}tls: { minimum: TLSv1.3 }\n`;
    expect(await judge(config, old, ALICE)).toMatchObject({ status: 0 });
    expect(await judge(config, ALICE, old)).toMatchObject({ status: 1 });
  });

  it('has a table of what changes, and counts', async () => {
    stand.write('new.yaml', STATIC_CONFIG.replace('relay: "{host}"', 'relay: new'));
    stand.write(
      'audit.log',
      auditLines(ALICE, BOB, { ...BOB, given: 'zoe' }, { ...BOB, given: 'bob', listener: 'inner', upstream: 'new' }),
    );
    const { status, stdout } = await stand.run(replay, 'audit.log', '--config', 'new.yaml');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^lost +zoe +127\.0\.0\.1:1143 +relay old as bob +refused +unknown in people$/m);
    expect(stdout).toMatch(/^moved +Alice +127\.0\.0\.1:1143 +relay old as alice +relay new as alice$/m);
    expect(stdout).toMatch(/\n4 logins, 1 would lose access, 2 would get elsewhere, 1 unchanged\n$/);
  });

  it('takes no other command line, and says that a log cannot be read', async () => {
    await expect(stand.run(replay, 'audit.log')).rejects.toThrow(UsageError);
    await expect(stand.run(replay, '--config', 'new.yaml')).rejects.toThrow(UsageError);
    expect(await stand.run(replay, 'none.log', '--config', 'new.yaml')).toMatchObject({ status: 3 });
  });
});
