import { mkdtempSync, renameSync, rmSync, unlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Dovecot } from '../support/dovecot.ts';
import { long } from '../support/long.ts';
import { describeWithPeers } from '../support/peers.ts';
import { clear, complaints, nobodyLeft, RelayStand, tls } from '../support/relay-stand.ts';
import { FILLED, FLAGS, MaildirMirror, mirroredMessage, PATIENCE_MS } from './maildir-mirror.ts';

const UPSTREAMS = [
  ['plaintext', long ? 20_000 : 5000],
  ['TLS', long ? 20_000 : 1000],
] as const;

const stand = new RelayStand();
afterEach(() => stand.close());

describeWithPeers(['dovecot', 'mbsync', 'openssl'], 'mbsync', () => {
  for (const [kind, count] of UPSTREAMS) {
    it(
      `sees the same through Postern as directly: ${count} messages, ${kind} upstream`,
      async () => {
        const dovecot = await stand.dovecot();
        const upstream = kind === 'TLS' ? tls(dovecot) : clear(dovecot);
        const postern = await stand.postern({ upstreams: { store: upstream } });
        fill(dovecot, count);
        const folder = mkdtempSync(join(tmpdir(), 'postern-mbsync-'));
        stand.onClose(() => rmSync(folder, { recursive: true, force: true }));
        const direct = await MaildirMirror.make(folder, 'direct', dovecot.ports.plain, 'None');
        const relayed = await MaildirMirror.make(folder, 'relayed', postern.port('implicit'), 'IMAPS');

        await Promise.all([direct.sync(), relayed.sync()]);
        expectSame(direct, relayed);
        const first = relayed.contents();
        expect(first.size).toBe(count);
        expect(new Set([...first.keys()].map(key => key.split('\0')[0]))).toEqual(new Set(FILLED));
        expect(relayed.has('Empty')).toBe(true);
        expect(new Set([...first.values()].map(({ flags }) => flags))).toEqual(new Set(FLAGS));

        // What changes at the server reaches both, and what changes here reaches the server through Postern.
        dovecot.deliver('alice', mirroredMessage(1_000_000), 'Entw&APw-rfe');
        relayed.flagAndRemove('INBOX');
        relayed.add('&ZeVnLIqe-', mirroredMessage(1_000_001));
        await relayed.sync();
        await direct.sync();
        await relayed.sync();
        expectSame(direct, relayed);
        const second = relayed.contents();
        expect(second.size).toBe(first.size + 1);
        expect([...second.values()].filter(({ flags }) => flags === 'FP')).toHaveLength(1);
        await nobodyLeft(postern);
        expect(complaints(postern)).toEqual([]);
      },
      2 * PATIENCE_MS,
    );
  }
});

function expectSame(direct: MaildirMirror, relayed: MaildirMirror): void {
  const [one, other] = [direct.contents(), relayed.contents()];
  // Told apart first: a whole mailbox would be printed otherwise.
  const differing = [...one.keys(), ...other.keys()].filter(
    key => JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key)),
  );
  expect(differing.slice(0, 5)).toEqual([]);
}

function fill(dovecot: Dovecot, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const mailbox = FILLED[index % FILLED.length] ?? 'INBOX';
    const path = dovecot.deliver('alice', mirroredMessage(index), mailbox);
    // INTERNALDATE: mbsync keeps it.
    const received = 1_500_000_000 + index * 1000;
    utimesSync(path, received, received);
    const flags = FLAGS[index % FLAGS.length];
    if (flags) renameSync(path, `${path.replace(/\/new\/([^/]+)$/, '/cur/$1')}:2,${flags}`);
  }
  unlinkSync(dovecot.deliver('alice', mirroredMessage(0), 'Empty'));
}
