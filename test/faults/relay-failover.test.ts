import { afterEach, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.ts';
import type { RunningPostern } from '../support/postern.ts';
import { until } from '../support/processes.ts';
import { complaints, RelayStand } from '../support/relay-stand.ts';
import { testCa } from '../support/test-ca.ts';

const stand = new RelayStand();
afterEach(() => stand.close());

/** Long enough for a busy machine, short enough to wait for. */
const SHORT = { connect_timeout: '3s', timeout: '3s', retry: '200ms' };

/** What a client is told that waits longer than one server may take. */
async function answerTo(postern: RunningPostern): Promise<string> {
  const client = await stand.client(postern, 'implicit', { timeout: 20_000 });
  const { tagged } = await client.command('LOGIN alice secret');
  client.close();
  return tagged;
}

for (const kind of ['plaintext', 'TLS'] as const) {
  describeWithPeers(['dovecot', 'openssl'], `two Dovecots, ${kind}`, () => {
    it.each(['killed', 'frozen', 'stopped'] as const)(
      'the first %s: nobody is refused, and the first is returned to by itself',
      async way => {
        const { file, good } = await testCa();
        const certificate = { certificate: good.certificateFile, key: good.keyFile };
        const [one, two] = [await stand.dovecot({ certificate }), await stand.dovecot({ certificate })];
        const proxies = await Promise.all(
          [one, two].map(({ ports }) => stand.proxy(kind === 'TLS' ? ports.tls : ports.plain)),
        );
        const servers = proxies.map(({ port }) => `127.0.0.1:${port}`);
        const postern = await stand.postern({
          upstreams: { store: { servers, ...(kind === 'TLS' ? { ca: file } : { tls: 'none' }), ...SHORT } },
        });
        const [toFirst, toSecond] = proxies;
        await until('both were asked', () => toFirst?.connections === 1 && toSecond?.connections === 1);
        expect(await answerTo(postern)).toMatch(/ OK /);
        expect(toSecond?.connections).toBe(1);
        if (way === 'killed') await one.kill();
        else if (way === 'stopped') await one.stop();
        else one.freeze();
        for (const tagged of await Promise.all(Array.from({ length: 10 }, () => answerTo(postern))))
          expect(tagged).toMatch(/ OK /);
        if (way === 'frozen') one.thaw();
        else await one.start();
        await postern.waitForLog(({ msg }) => msg === 'server is back');
        const second = toSecond?.connections;
        expect(await answerTo(postern)).toMatch(/ OK /);
        expect(toSecond?.connections).toBe(second);
        expect(complaints(postern)).toEqual([]);
      },
    );
  });
}
