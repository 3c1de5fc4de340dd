import { spawn } from 'node:child_process';
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { missingPeers, type Peer } from './peer-table.ts';

/** Asked by Debian's packages before they start their daemons; 101 = do not. */
const POLICY = '/usr/sbin/policy-rc.d';
const SAVED_POLICY = `${POLICY}.before-postern-tests`;

/**
 * Installs the Debian packages of the peers that are missing, where that can be done: root on Debian or Ubuntu, and not
 * forbidden by POSTERN_NO_APT=1. Their daemons are not started. Elsewhere it only says what is missing; tests are then skipped.
 * @param say told what will be done before it is done
 */
export async function installMissingPeers(say: (text: string) => void): Promise<void> {
  const missing = missingPeers();
  if (missing.length === 0) return;
  const packages = missing.flatMap(peer => peer.packages);
  const obstacle = whyNot();
  if (obstacle !== undefined) {
    say(`Not installing ${describePeers(missing)}: ${obstacle}. Tests that need them are skipped.`);
    return;
  }
  say(`Installing ${describePeers(missing)} by apt-get, without starting their daemons; POSTERN_NO_APT=1 forbids it.`);
  restorePolicy();
  await withoutStartingDaemons(async () => {
    // A machine that has fetched package lists lately needs no update; one that has not, or has old ones, fails and does.
    const installed = await aptGet(['install', '-y', '-q', '--no-install-recommends', ...packages], 'quiet');
    if (installed) return;
    await aptGet(['update', '-q'], 'loud');
    await aptGet(['install', '-y', '-q', '--no-install-recommends', ...packages], 'loud');
  });
  const still = missingPeers();
  if (still.length > 0) say(`Still missing after apt-get: ${describePeers(still)}.`);
}

function describePeers(peers: readonly Peer[]): string {
  return peers.map(({ packages, use }) => `${packages.join(' + ')} (${use})`).join('; ');
}

function whyNot(): string | undefined {
  if (process.env.POSTERN_NO_APT === '1') return 'POSTERN_NO_APT is set';
  if (!existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get')) return 'this is neither Debian nor Ubuntu';
  if (process.getuid?.() !== 0) return 'only root may';
  return undefined;
}

async function withoutStartingDaemons(install: () => Promise<void>): Promise<void> {
  // An interrupt reaches apt-get by itself (same process group); this process stays to clean up after it.
  const stay = () => {};
  process.on('SIGINT', stay);
  if (existsSync(POLICY)) renameSync(POLICY, SAVED_POLICY);
  try {
    writeFileSync(POLICY, '#!/bin/sh\n# While packages are installed for tests: start no daemon.\nexit 101\n', {
      mode: 0o755,
    });
    await install();
  } finally {
    rmSync(POLICY, { force: true });
    restorePolicy();
    process.removeListener('SIGINT', stay);
  }
}

/** Brings back what was there before; also after a run that was killed in between. */
function restorePolicy(): void {
  if (existsSync(SAVED_POLICY)) renameSync(SAVED_POLICY, POLICY);
}

function aptGet(args: readonly string[], voice: 'quiet' | 'loud'): Promise<boolean> {
  const child = spawn('apt-get', args, {
    stdio: ['ignore', voice === 'loud' ? 'inherit' : 'ignore', voice === 'loud' ? 'inherit' : 'ignore'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', code => resolve(code === 0));
  });
}
