import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UsageError } from '../../src/cli/command.ts';
import { explain } from '../../src/cli/explain.ts';
import { CommandStand, STATIC_CONFIG, USERS } from './command-stand.ts';

const explanation = z.object({
  given: z.string(),
  allowed: z.boolean(),
  outcome: z.string(),
  answer: z.string().optional(),
  steps: z.array(z.object({ stage: z.string(), outcome: z.string(), detail: z.string() })),
  user: z.record(z.string(), z.unknown()).optional(),
});

describe('postern explain', () => {
  const stand = new CommandStand();
  beforeAll(() => {
    stand.write('postern.yaml', STATIC_CONFIG);
    stand.write('users.yaml', USERS);
  });
  afterAll(() => stand.remove());
  const run = (...args: readonly string[]) => stand.run(explain, '--config', 'postern.yaml', ...args);
  const json = async (...args: readonly string[]) =>
    explanation.parse(JSON.parse((await run('--json', ...args)).stdout));

  it('tells who somebody is, where they would go, and why', async () => {
    const { status, stdout, stderr } = await run('ALICE@Example.org');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^ALICE@Example\.org\n/);
    expect(stdout).toMatch(/^\+ +normalise +alice@example\.org$/m);
    expect(stdout).toMatch(/^\+ +directory +people: .*users\.yaml:2$/m);
    expect(stdout).toMatch(/^\. +route +routes\[0\]: listener is 127\.0\.0\.1:1143/m);
    expect(stdout).toMatch(/^\+ +route +routes\[1\]: host is old: relay to old$/m);
    expect(stdout).toMatch(/^groups +staff$/m);
    expect(stdout).toMatch(/^Let in: relayed to upstream old$/m);
  });

  it('says the same as JSON', async () => {
    const told = await json('alice');
    expect(told).toMatchObject({ given: 'alice', allowed: true, outcome: 'relayed to upstream old' });
    expect(told.steps.map(({ stage, outcome }) => `${stage} ${outcome}`)).toEqual([
      'normalise ok',
      'directory ok',
      'policy ok',
      'route skip',
      'route ok',
    ]);
    expect(told.user).toMatchObject({ name: 'alice', host: 'old', attributes: { department: ['Research'] } });
    expect(JSON.stringify(told)).not.toContain('argon2id');
  });

  it.each(['inner', '127.0.0.1:1144'])('matches a route that names the address of listener %s', async listener => {
    expect(await json('alice', '--listener', listener)).toMatchObject({ outcome: 'relayed to upstream new' });
  });

  it('tells from which store somebody is served', async () => {
    stand.write(
      'serving.yaml',
      STATIC_CONFIG.replace(/routes:.*/s, 'routes: [{ when: { user: alice }, store: local }, { relay: old }]\n'),
    );
    const { status, stdout } = await stand.run(explain, '--config', 'serving.yaml', 'alice');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^\+ +route +routes\[0\]: user is alice: served from local$/m);
    expect(stdout).toMatch(/^Let in: served from store local$/m);
  });

  it('tells what a refused user is told', async () => {
    const { status, stdout } = await run('carol');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^! +route +routes\[2\]: always: refused: Your mailbox is not set up yet\.$/m);
    expect(stdout).toMatch(/^Not let in: refused by routes\[2\]$/m);
    expect(stdout).toMatch(/^The client is told: NO \[CONTACTADMIN\] Your mailbox is not set up yet\.$/m);
  });

  it('tells that nobody has a name, and what the client hears then', async () => {
    const { status, stdout } = await run('dave');
    expect(status).toBe(1);
    expect(stdout).toMatch(/^! +directory /m);
    expect(stdout).toMatch(/^The client is told: NO \[AUTHENTICATIONFAILED\] Authentication failed\.$/m);
    expect(await json('dave')).toMatchObject({
      allowed: false,
      answer: expect.stringContaining('AUTHENTICATIONFAILED'),
    });
  });

  it('cannot be made to write to the terminal', async () => {
    const { status, stdout } = await run('\u001b[2Jdave');
    expect(status).toBe(1);
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    [[], 'say one login'],
    [['alice', 'bob'], 'say one login'],
    [['alice', '--listener', 'outer'], 'there is no listener "outer"; there are: 127.0.0.1:1143, inner'],
    [['alice', '--password', 'x'], "Unknown option '--password'"],
  ])('%j is a wrong command line', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(UsageError);
    await expect(run(...args)).rejects.toThrow(message);
  });

  it('tells what is wrong in the configuration and in the file of users', async () => {
    stand.write('broken.yaml', STATIC_CONFIG.replace('relay: new', 'relay: neu'));
    expect(await stand.run(explain, 'alice', '--config', 'broken.yaml')).toMatchObject({
      status: 78,
      stdout: '',
      stderr: expect.stringContaining('broken.yaml:15:12: routes[0].relay'),
    });
    stand.write('other.yaml', STATIC_CONFIG.replace('users.yaml', 'others.yaml'));
    stand.write('others.yaml', USERS.replace('login: bob', 'login: alice'));
    expect(await stand.run(explain, 'alice', '--config', 'other.yaml')).toMatchObject({
      status: 78,
      stderr: expect.stringContaining('others.yaml:8:'),
    });
  });
});
