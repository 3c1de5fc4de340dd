import { describe, it } from 'vitest';
import { missingPeers, type PeerName } from './peer-table.ts';

export { missingPeers, PEERS, type Peer, type PeerName, peer } from './peer-table.ts';

/**
 * A suite that talks to real programs. Where one is missing the suite is skipped under a title that says which; under CI, where
 * the runner has installed them all, that is a failure. `body` is evaluated either way: start peers in hooks, not in it.
 */
export function describeWithPeers(names: readonly PeerName[], title: string, body: () => void): void {
  const missing = missingPeers(names);
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const packages = missing.flatMap(peer => peer.packages).join(', ');
  if (process.env.CI === 'true') {
    describe(title, () => {
      it(`has its peers (${packages})`, () => {
        throw new Error(`not installed: ${packages}`);
      });
    });
    return;
  }
  describe.skip(`${title} [needs the Debian packages ${packages}]`, body);
}
