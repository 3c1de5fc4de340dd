import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningPostern, startPostern } from '../support/postern.ts';
import { ScriptedUpstream } from '../support/scripted-upstream.ts';
import { staticDoor, usersFile } from '../support/static-door.ts';
import { play, type Stage } from './runner.ts';
import { parseTranscript } from './transcript.ts';

const folder = import.meta.dirname;
const files = readdirSync(folder).filter(name => name.endsWith('.transcript'));

for (const file of files) {
  const { head, dialogues } = parseTranscript(readFileSync(join(folder, file), 'utf8'));

  describe(file, () => {
    let upstream: ScriptedUpstream;
    let postern: RunningPostern;

    beforeAll(async () => {
      upstream = await ScriptedUpstream.start();
      const probed = upstream.expectProbe(head.probe);
      const { limits, authentication, routes, users } = head;
      // A mail server that a dialogue has broken must not be looked at again in the middle of the next.
      const config = await staticDoor({
        upstream: upstream.port,
        limits,
        authentication,
        routes,
        upstreamKeys: { retry: '1d', timeout: '10s', ...head.upstream },
      });
      postern = await startPostern(config, { files: { 'users.yaml': usersFile(users) } });
      await probed();
    });

    afterAll(async () => {
      await postern?.remove();
      await upstream?.stop();
    });

    for (const dialogue of dialogues) {
      const stage = (byteByByte: boolean): Stage => ({ head, postern, upstream, byteByByte });
      it(dialogue.title, () => play(dialogue, stage(false)));
      it(`${dialogue.title} (byte by byte)`, () => play(dialogue, stage(true)));
    }

    it('leaves nothing in the log that is a bug', () => {
      expect(postern.log.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    });
  });
}
