import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

describe('mechanisms of a listener', () => {
  let postern: RunningPostern;

  beforeAll(async () => {
    const config = await staticDoor({
      routes: [{ mounts: [{ prefix: '', store: 'local' }] }],
      listeners: [
        { name: 'inside', address: '127.0.0.1:0', tls: 'none' },
        { name: 'outside', address: '127.0.0.1:0', tls: 'none', mechanisms: ['SCRAM-SHA-256'] },
      ],
    });
    postern = await startPostern(config, { files: { 'users.yaml': usersFile([ALICE]) } });
  });
  afterAll(() => postern?.remove());

  const plain = `AUTHENTICATE PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`;

  it('are offered and taken there alone', async () => {
    const client = await ImapClient.connect({ port: postern.port('outside'), tls: 'none', timeout: 20_000 });
    expect(client.greeting).toContain('AUTH=SCRAM-SHA-256');
    expect(client.greeting).toContain('LOGINDISABLED');
    expect(client.greeting).not.toContain('AUTH=PLAIN');
    expect((await client.command(plain)).tagged).toMatch(/NO This mechanism is not offered/);
    expect((await client.command('LOGIN alice secret')).tagged).toMatch(/NO LOGIN is not offered/);
    client.close();
  });

  it('are those of authentication elsewhere', async () => {
    const client = await ImapClient.connect({ port: postern.port('inside'), tls: 'none', timeout: 20_000 });
    expect(client.greeting).toContain('AUTH=PLAIN AUTH=LOGIN');
    expect(client.greeting).not.toMatch(/SCRAM|LOGINDISABLED/);
    expect((await client.command(plain)).tagged).toMatch(/OK /);
    client.close();
  });
});
