import { afterEach, expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { startServedDoor } from '../support/served-door.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

let postern: RunningPostern | undefined;
afterEach(() => postern?.remove());

async function announced(door: RunningPostern): Promise<string[]> {
  postern = door;
  const client = await ImapClient.connect({ port: door.port('none') });
  client.close();
  return client.greeting.split(/[ \]]/).filter(word => word.startsWith('LITERAL'));
}

it('announces LITERAL+ before login where every login leads to mailboxes of our own, and takes one pipelined behind it', async () => {
  const door = await startServedDoor();
  expect(await announced(door)).toEqual(['LITERAL+']);
  const client = await ImapClient.connect({ port: door.port('none') });
  await client.write(
    'a LOGIN {5+}\r\nalice {6+}\r\nsecret\r\nb CREATE {3+}\r\nfoo\r\nc APPEND foo {4+}\r\na: b\r\nd STATUS foo (MESSAGES)\r\n',
  );
  expect((await client.answerTo('d')).untagged.at(-1)).toBe('* STATUS foo (MESSAGES 1)');
  client.close();
});

it('announces none where nobody has a mailbox', async () => {
  expect(
    await announced(await startPostern(await staticDoor({}), { files: { 'users.yaml': usersFile([ALICE]) } })),
  ).toEqual([]);
});
