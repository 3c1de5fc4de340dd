import { afterEach, expect, it } from 'vitest';
import type { RunningPostern } from '../support/postern.ts';
import { enter, startServedDoor } from '../support/served-door.ts';

let postern: RunningPostern | undefined;
afterEach(() => postern?.remove());

it('an account has no more mailboxes than stores.local.mailboxes says', async () => {
  postern = await startServedDoor({ store: { folders: { Sent: 'sent' }, mailboxes: 3 } });
  const client = await enter(postern);
  const say = async (line: string) => (await client.command(line)).tagged.replace(/^\S+ /, '');
  expect(await say('CREATE a')).toMatch(/^OK/);
  expect(await say('CREATE b')).toMatch(/^NO \[LIMIT\] (?!.*connection)/);
  expect(await say('RENAME a b')).toMatch(/^OK/);
  expect(await say('DELETE b')).toMatch(/^OK/);
  expect(await say('CREATE b')).toMatch(/^OK/);
  await client.logout();
});
