import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inParallel } from '../support/front-door.ts';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';
import { nearImap } from './near-imap.ts';
import { Random } from './random.ts';

const STREAMS = 100_000;
/** Of these, so many are also sent in pieces. */
const IN_PIECES = 10_000;
const WIDTH = 32;
const SEED = 20_261_121;
const MEGABYTE = 1024 * 1024;
const PATIENCE_MS = 20_000;

/** Whole lines of text that a client can make sense of (RFC 9051 §2.2.2). */
const RESPONSES =
  /^(?:(?:\* (?:OK|NO|BAD|BYE|CAPABILITY|ID) [\x20-\x7e]*|\+ [\x20-\x7e]*|[^\x00-\x20\x7f-\xff(){"%*\\+]+ (?:OK|NO|BAD) [\x20-\x7e]+)\r\n)*$/;

type Kind = 'none' | 'starttls';

describe(`${STREAMS} streams of commands that are nearly IMAP`, () => {
  // Over unix sockets: so many TCP connections would use up the ports.
  const folder = mkdtempSync(join(tmpdir(), 'postern-fuzz-'));
  const path = (kind: Kind) => join(folder, `${kind}.sock`);
  const logFile = join(folder, 'postern.log');
  let postern: RunningPostern;

  beforeAll(async () => {
    const listeners = (['none', 'starttls'] as const).map(tls => ({ name: tls, tls, address: `unix:${path(tls)}` }));
    postern = await startPostern(await staticDoor({ listeners, more: { log: { file: logFile } } }), {
      files: { 'users.yaml': usersFile([ALICE]) },
    });
  });

  afterAll(async () => {
    await postern?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('are answered in whole lines, as IMAP, and nothing breaks', { timeout: 300_000 }, async () => {
    const peak = await postern.peakResidentBytes(async () => {
      await inParallel(indices(STREAMS), WIDTH, async index => {
        const kind = index % 10 === 0 ? 'starttls' : 'none';
        const heard = await tell(kind, [streamOf(index)]);
        const complaint = faultOf(heard);
        if (complaint) throw new Error(`${complaint}\n${show(index, heard)}`);
      });
    });
    expect(peak).toBeLessThan(300 * MEGABYTE);
  });

  it('are answered the same however they are cut', { timeout: 300_000 }, async () => {
    await inParallel(indices(IN_PIECES), WIDTH, async index => {
      const stream = streamOf(index);
      const [whole, cut] = [await tell('none', [stream]), await tell('none', pieces(new Random(index), stream))];
      if (whole !== cut) throw new Error(`in pieces:\n${cut}\n${show(index, whole)}`);
    });
  });

  it('leave a server that answers, has forgotten them all and has no bug to report', async () => {
    expect(await tell('none', ['a LOGIN alice secret\r\nb LOGOUT\r\n'])).toMatch(
      /^\* OK .*\r\na NO \[CONTACTADMIN\] .*\r\n\* BYE .*\r\nb OK .*\r\n$/,
    );
    expect(await postern.cli('sessions', '--json')).toMatchObject({ code: 0, stdout: '' });
    const log = readFileSync(logFile, 'utf8');
    expect(log.split('\n').filter(line => /"level":"(?:error|fatal)"/.test(line))).toEqual([]);
    expect(await postern.stop()).toEqual({ status: 0, signal: null });
  });

  /** Sends the pieces, ends, and returns all that comes back. */
  function tell(kind: Kind, parts: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      let heard = '';
      // What the server has said stands; that it hung up before everything was read is its right.
      const socket = connect(path(kind)).on('error', () => {});
      const patience = setTimeout(() => {
        socket.destroy();
        reject(new Error(`no end after:\n${JSON.stringify(heard)}\nto:\n${JSON.stringify(parts.join(''))}`));
      }, PATIENCE_MS);
      socket.on('data', chunk => {
        heard += chunk.toString('latin1');
      });
      socket.on('close', () => {
        clearTimeout(patience);
        resolve(heard);
      });
      void send(parts).finally(() => socket.end());

      async function send(all: readonly string[]): Promise<void> {
        for (const part of all) {
          socket.write(Buffer.from(part, 'latin1'));
          if (all.length > 1) await turn();
        }
      }
    });
  }
});

function streamOf(index: number): string {
  return nearImap(new Random(SEED + index));
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function pieces(random: Random, stream: string): string[] {
  const cut: string[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = random.oneIn(3) ? 1 : 1 + random.below(Math.max(20, Math.ceil(stream.length / 20)));
    cut.push(stream.slice(at, at + size));
    at += size;
  }
  return cut;
}

/** What is wrong with an answer; what follows the agreement on TLS is not text. */
function faultOf(heard: string): string | undefined {
  const [text = ''] = heard.split(/(?<=OK Begin TLS negotiation now\.\r\n)/);
  if (!text.startsWith('* OK [CAPABILITY ')) return 'no greeting';
  if (!RESPONSES.test(text)) return 'not IMAP';
  if (text.includes('SERVERBUG') || text.includes('Internal error')) return 'a bug';
  if (text.includes('Logged in')) return 'a login without a mailbox';
  return undefined;
}

function show(index: number, heard: string): string {
  return `stream ${index}: ${JSON.stringify(streamOf(index))}\nanswer: ${JSON.stringify(heard)}`;
}
