import { scanFlags } from '../imap/flag.ts';
import { type SequenceSet, scanSequenceSet } from '../imap/sequence-set.ts';
import { flagsPart } from '../items/fetch/flags.ts';
import { modSeqPart } from '../items/fetch/mod-seq.ts';
import { fetchResponses } from '../items/fetch/responses.ts';
import { uidPart } from '../items/fetch/uid.ts';
import type { StoreConditions } from '../items/store-modifier.ts';
import type { Vocabulary } from '../items/vocabulary.ts';
import { systemFlag } from '../mail/flags.ts';
import type { ModSeq } from '../mail/ids.ts';
import { MailError } from '../mail/mail-error.ts';
import type { FlagChange } from '../mail/message.ts';
import { rangesOf, renderRanges, type UidRanges } from '../mail/uid-ranges.ts';
import type { Completion, SelectedMailbox } from '../session/contract.ts';
import { Malformed } from '../wire/malformed.ts';
import type { Scanner } from '../wire/scanner.ts';
import { type AnyCommand, command, SELECTED } from './command.ts';

const ITEM = /[+-]?FLAGS(?:\.SILENT)?/iy;
const KINDS: Readonly<Record<string, FlagChange['kind']>> = { '+': 'add', '-': 'remove' };

interface Arguments {
  readonly set: SequenceSet;
  readonly change: FlagChange;
  readonly silent: boolean;
  readonly unchangedSince: ModSeq | undefined;
  readonly uses: readonly string[];
}

/** STORE, and UID STORE (RFC 9051 §6.4.6, §6.4.9), with conditions (RFC 4466 §2.5). */
export function store(vocabulary: Vocabulary, byUid: boolean): AnyCommand {
  return command<Arguments>({
    name: 'STORE',
    states: SELECTED,
    updates: byUid ? 'all' : 'no-expunge',
    parse(scanner) {
      scanner.space();
      const set = scanSequenceSet(scanner);
      scanner.space();
      const conditions = scanConditions(scanner, vocabulary);
      const item = scanner.token(ITEM, 'FLAGS, +FLAGS or -FLAGS').toUpperCase();
      scanner.space();
      const unchangedSince = conditions.flatMap(condition => condition.unchangedSince ?? []);
      return {
        set,
        change: { kind: KINDS[item.charAt(0)] ?? 'replace', flags: scanFlags(scanner) },
        silent: item.endsWith('.SILENT'),
        unchangedSince: unchangedSince.length > 0 ? (Math.min(...unchangedSince) as ModSeq) : undefined,
        uses: conditions.flatMap(({ uses }) => uses ?? []),
      };
    },
    async *run({ mail }, { set, change, silent, unchangedSince, uses }) {
      const { selected } = mail;
      const uids = await selected.resolve(set, byUid);
      for (const feature of uses) mail.enable(feature);
      if (selected.readOnly) throw new MailError('read-only', 'STORE in a mailbox that was opened with EXAMINE');
      if (uids.length === 0) return { status: 'OK', text: 'STORE completed.' };
      const told = selected.at;
      const conditions = { ...(unchangedSince !== undefined && { unchangedSince }), viewAt: told };
      const { at, before, changed, modified, missing, interleaved } = await selected.mailbox
        .setFlags(uids, change, conditions)
        .catch(explainLimit);
      // With the changes come new keywords, before the first message that has them.
      const known = change.flags.every(flag => systemFlag(flag) !== undefined || selected.keywords.includes(flag));
      const own = { at, before: known ? before : undefined, uids, except: interleaved };
      yield* selected.sync('withheld', silent && changed > 0 ? own : undefined);
      // RFC 9051 §6.4.6: each message named is told, also when it had the flags already. RFC 7162 §3.1.3: those that have changed
      // too late for the condition should be told, to be decided upon again.
      const untold = silent ? modified : uids;
      const parts = [uidPart(), flagsPart(), ...(mail.enabled.has('CONDSTORE') ? [modSeqPart()] : [])];
      const outcome = yield* fetchResponses(mail, untold, parts, {
        needs: ['modseq'],
        // Later ones are told by `sync`, this or the next.
        holds: ({ modseqs }, row) => (modseqs?.[row] ?? 0) <= told,
      });
      if (outcome.failure) throw outcome.failure;
      return completion(selected, byUid, modified, missing);
    },
  });
}

/** What is limited here are keywords, and the client may ask to have fewer. */
function explainLimit(error: unknown): never {
  if (!(error instanceof MailError) || error.kind !== 'limit') throw error;
  throw new MailError('limit', error.message, { cause: error, answer: 'There are too many keywords in this mailbox.' });
}

function scanConditions(scanner: Scanner, vocabulary: Vocabulary): readonly StoreConditions[] {
  if (scanner.peek() !== '(') return [];
  const conditions = scanner.list(() => {
    const modifier = vocabulary.storeModifiers.get(scanner.atom('a modifier').toUpperCase());
    if (!modifier) throw new Malformed('this modifier is not known');
    return modifier.parse(scanner);
  });
  if (conditions.length === 0) throw new Malformed('a modifier was expected');
  scanner.space();
  return conditions;
}

/** The sequence numbers of messages by UID. */
function sequenceRanges(selected: SelectedMailbox, uids: UidRanges): UidRanges {
  const numbers: number[] = [];
  for (const [first, last] of uids) {
    for (let uid: number = first; uid <= last; uid += 1) {
      const seq = selected.seqOf(uid);
      if (seq !== undefined) numbers.push(seq);
    }
  }
  return rangesOf(numbers);
}

function completion(selected: SelectedMailbox, byUid: boolean, modified: UidRanges, missing: UidRanges): Completion {
  // By UID it does not matter that a message is gone; by number the client names one that it has not been told of as gone.
  const gone = !byUid && missing.length > 0;
  if (modified.length > 0) {
    // RFC 7162 §3.1.3: in the numbers of the command, OK where all others were changed, NO where some could not be.
    const numbers = byUid ? modified : sequenceRanges(selected, modified);
    return gone
      ? { status: 'NO', code: `MODIFIED ${renderRanges(numbers)}`, text: 'Some of the messages are gone.' }
      : { status: 'OK', code: `MODIFIED ${renderRanges(numbers)}`, text: 'Some of the messages have changed since.' };
  }
  return gone
    ? { status: 'OK', code: 'EXPUNGEISSUED', text: 'Some of the messages are gone.' }
    : { status: 'OK', text: 'STORE completed.' };
}
