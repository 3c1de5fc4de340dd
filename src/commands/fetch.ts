import { type SequenceSet, scanSequenceSet } from '../imap/sequence-set.ts';
import { statusOf } from '../imap/status.ts';
import { changedUids } from '../items/fetch/changed-uids.ts';
import { scanFetchList, scanFetchModifiers } from '../items/fetch/fetch-list.ts';
import { fetchResponses } from '../items/fetch/responses.ts';
import type { FetchPart } from '../items/fetch-item.ts';
import type { Vocabulary } from '../items/vocabulary.ts';
import type { ModSeq } from '../mail/ids.ts';
import { rangesCount } from '../mail/uid-ranges.ts';
import { type AnyCommand, command, SELECTED } from './command.ts';

interface Arguments {
  readonly set: SequenceSet;
  readonly parts: readonly FetchPart[];
  readonly changedSince: ModSeq | undefined;
  readonly uses: readonly string[];
}

/** FETCH, and UID FETCH (RFC 9051 §6.4.5, §6.4.9). */
export function fetch(vocabulary: Vocabulary, byUid: boolean): AnyCommand {
  return command<Arguments>({
    name: 'FETCH',
    states: SELECTED,
    updates: byUid ? 'all' : 'no-expunge',
    parse(scanner) {
      scanner.space();
      const set = scanSequenceSet(scanner);
      scanner.space();
      const asked = scanFetchList(scanner, vocabulary, byUid);
      const limits = scanFetchModifiers(scanner, vocabulary);
      const since = limits.flatMap(limit => limit.changedSince ?? []);
      return {
        set,
        parts: withoutRepeated(
          asked,
          limits.flatMap(limit => limit.parts ?? []),
        ),
        changedSince: since.length > 0 ? (Math.max(...since) as ModSeq) : undefined,
        uses: [...asked, ...limits].flatMap(({ uses }) => uses ?? []),
      };
    },
    async *run({ mail }, { set, parts, changedSince, uses }) {
      const { selected, signal } = mail;
      const given = await selected.resolve(set, byUid);
      for (const feature of uses) mail.enable(feature);
      const uids =
        changedSince === undefined ? given : await changedUids(selected.mailbox, given, changedSince, signal);
      const { found, failure } = yield* fetchResponses(mail, uids, parts);
      if (failure) return { ...statusOf(failure), text: 'Some of the messages cannot be read.' };
      // RFC 5530 §3: the client names messages that it has not been told are gone. By UID that is no matter.
      const gone = !byUid && found < rangesCount(uids);
      return gone
        ? { status: 'OK', code: 'EXPUNGEISSUED', text: 'Some of the messages are gone.' }
        : { status: 'OK', text: 'FETCH completed.' };
    },
  });
}

/** What modifiers add is told once, also when it was asked for. */
function withoutRepeated(asked: readonly FetchPart[], added: readonly FetchPart[]): readonly FetchPart[] {
  const has = (part: FetchPart): boolean => part.wants.every(field => asked.some(({ wants }) => wants.includes(field)));
  return [...asked, ...added.filter(part => !has(part))];
}
