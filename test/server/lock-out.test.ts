import { afterEach, beforeEach, expect, it } from 'vitest';
import { FLAT_THROTTLE, inParallel } from '../support/front-door.ts';
import { ImapClient } from '../support/imap-client.ts';
import { LdapServer } from '../support/ldap-server.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';

const SERVICE = { dn: 'cn=postern', password: 'service' };
const USER = 'uid=alice,ou=people';
const TRIES = 1000;

let ldap: LdapServer;
let postern: RunningPostern;
let password = 'secret';
/** Binds as the user that were refused since the last that was not: at three, a domain with this threshold locks the account. */
let wrong = 0;

beforeEach(async () => {
  password = 'secret';
  wrong = 0;
  ldap = await LdapServer.start({
    handler(request, reply) {
      if (request.kind === 'search') {
        reply.entry(request.id, USER, { entryUUID: ['7'], uid: ['alice'], mail: ['alice@example.org'] });
        reply.done(request.id);
      } else if (request.kind === 'bind') {
        const right = request.dn === SERVICE.dn || (request.password === password && wrong < 3);
        if (request.dn === USER) wrong = right ? 0 : wrong + 1;
        reply.bind(request.id, right ? 0 : 49);
      }
    },
  });
  postern = await startPostern({
    listeners: [{ name: 'imap', address: '127.0.0.1:0', tls: 'none' }],
    limits: { connections: 5000, per_address: 5000 },
    directories: {
      corp: {
        kind: 'ldap',
        servers: [`127.0.0.1:${ldap.port}`],
        tls: 'none',
        timeout: '1s',
        retry: '200ms',
        bind: SERVICE,
        users: { base: 'ou=people' },
      },
    },
    authentication: {
      directories: ['corp'],
      throttle: { ...FLAT_THROTTLE, delay: '1ms', maximum: '1ms' },
      cache: { ttl: '1s', outage: '1h' },
      shield: { budget: { tries: 2 } },
    },
    routes: [{ mounts: [{ prefix: '', store: 'local' }] }],
  });
});

afterEach(async () => {
  await postern?.remove();
  await ldap?.stop().catch(() => {});
});

async function logIn(secret: string): Promise<{ answer: string; client: ImapClient }> {
  const client = await ImapClient.connect({ port: postern.port() });
  const { tagged } = await client.command(`LOGIN alice "${secret}"`);
  return { answer: tagged.replace(/^\S+ /, ''), client };
}

async function tryOnce(secret: string): Promise<string> {
  const { answer, client } = await logIn(secret);
  client.close();
  return answer.replace(/^OK .*/, 'OK');
}

const userBinds = () => ldap.binds.filter(bind => bind.startsWith(USER)).length;

it('A forgotten phone costs one bind, also across a restart, and the new password gets in at once', async () => {
  const answers = new Set(await inParallel(Array.from({ length: TRIES / 2 }), 8, () => tryOnce('old secret')));
  await postern.stop('SIGKILL');
  await postern.start();
  for (const answer of await inParallel(Array.from({ length: TRIES / 2 }), 8, () => tryOnce('old secret'))) {
    answers.add(answer);
  }
  expect([...answers]).toEqual([expect.stringMatching(/^NO \[AUTHENTICATIONFAILED\]/)]);
  expect({ binds: userBinds(), wrong }).toEqual({ binds: 1, wrong: 1 });
  password = 'new secret';
  expect(await tryOnce('new secret')).toBe('OK');
  // Those that came together with the first share its answer.
  const shielded = postern.log.filter(({ audit, outcome }) => audit === 'login' && outcome === 'known-wrong');
  expect(shielded.length).toBeGreaterThanOrEqual(TRIES - 20);
  expect(postern.output + JSON.stringify(postern.log)).not.toContain('old secret');
});

it('Guesses do not lock the account', async () => {
  const answers = await inParallel([...Array(20).keys()], 4, index => tryOnce(`guess ${index}`));
  expect(new Set(answers).size).toBe(1);
  expect(wrong).toBe(2);
});

it('While the directory is gone, who is known gets in after a restart, until it is revoked, with a server and without', async () => {
  const { client } = await logIn('secret');
  await postern.waitForLog(({ audit, outcome }) => audit === 'login' && outcome === 'ok');
  // The proof is written behind the answer.
  await new Promise(resolve => setTimeout(resolve, 500));
  await ldap.stop();
  await postern.stop();
  client.close();
  await postern.start();
  const inside = await logIn('secret');
  expect(inside.answer).toMatch(/^OK /);
  await postern.waitForLog(({ audit, proof }) => audit === 'login' && proof === 'outage');
  expect(await tryOnce('other')).toMatch(/^NO \[UNAVAILABLE\]/);

  const revoked = await postern.cli('revoke', 'Alice');
  expect(revoked).toMatchObject({ code: 0, stdout: 'alice revoked; sessions ended: 1\n' });
  expect(await inside.client.readLine()).toMatch(/^\* BYE .*revoked/);
  expect(await tryOnce('secret')).toMatch(/^NO \[UNAVAILABLE\]/);
  await postern.stop();
  expect(await postern.cli('revoke', 'alice')).toMatchObject({
    code: 0,
    stdout: 'alice revoked; no server is running\n',
  });
});
