import { expect, it } from 'vitest';
import { ServerList } from '../../src/net/server-list.ts';

const at = (host: string) => ({ host, port: 636 });

it('other servers are taken in, what is known of those that stay is kept, and those that left are forgotten', async () => {
  const probed: string[] = [];
  const list = new ServerList([at('one'), at('two')], {
    retry: 5,
    probe: async ({ host }) => {
      probed.push(host);
      throw new Error('still down');
    },
  });
  list.failed(at('one'), 'no answer');
  list.failed(at('two'), 'no answer');
  list.update([at('three'), at('two')]);
  expect(list.states().map(({ server, state }) => `${server} ${state}`)).toEqual(['three:636 unknown', 'two:636 down']);
  expect(list.order()).toEqual([at('three'), at('two')]);
  await expect.poll(() => probed.length).toBeGreaterThan(1);
  expect(new Set(probed)).toEqual(new Set(['two']));
  list.close();
});
