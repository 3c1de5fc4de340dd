import { strict as assert } from 'node:assert';
import type { Uid } from '../../src/mail/ids.ts';
import type { Query } from '../../src/mail/query.ts';
import { normaliseRanges, renderRanges, type UidRanges } from '../../src/mail/uid-ranges.ts';
import { uidsOf } from '../support/memory-mailbox.ts';
import type { MemoryMessage } from '../support/memory-message.ts';
import { matches } from '../support/memory-search.ts';
import type { Belief, Entry } from './belief.ts';
import { expectOk, type Player, type State } from './player.ts';
import { type Action, FLAGS, NAMES, type Pick, type SearchKey } from './steps.ts';
import { type Moment, messageOf } from './truth.ts';

type Of<Kind extends Action['kind']> = Extract<Action, { kind: Kind }>;
export type MessageAction = Of<'store' | 'expunge' | 'copy' | 'fetch' | 'search'>;

/** What a command names: how it is written, and which messages the client means. */
interface Chosen {
  readonly text: string;
  readonly entries: readonly Entry[];
  readonly uids: UidRanges;
}

/** Does something to messages of the selected mailbox, in the model and at the server, and compares. */
export async function act(player: Player, belief: Belief, action: MessageAction): Promise<void> {
  switch (action.kind) {
    case 'store':
      return store(player, belief, action);
    case 'expunge':
      return expunge(player, belief, action.uids);
    case 'copy':
      return copy(player, belief, action);
    case 'fetch':
      return fetch(player, belief, action);
    case 'search':
      return search(player, belief, action);
  }
}

async function store(player: Player, belief: Belief, action: Of<'store'>): Promise<void> {
  const { byUid, silent, change: kind } = action;
  const chosen = choose(belief, action.set, byUid);
  if (!chosen) return;
  const flags = action.flags.map(flag => FLAGS[flag] ?? '');
  const since = momentOf(player, belief, action.unchangedSince);
  if (since && !belief.readOnly) player.condstore = true;
  const change = { kind, flags };
  const options = { viewAt: belief.box.at, ...(since ? { unchangedSince: since.meant } : {}) };
  const meant = belief.box.named(chosen.uids);
  const set = belief.readOnly ? undefined : belief.box.setFlags(chosen.uids, change, options);
  const sign = { add: '+', remove: '-', replace: '' }[kind];
  const text = [
    `${byUid ? 'UID ' : ''}STORE ${chosen.text}`,
    ...(since ? [`(UNCHANGEDSINCE ${since.told})`] : []),
    `${sign}FLAGS${silent ? '.SILENT' : ''} (${flags.join(' ')})`,
  ].join(' ');
  const heardFlags = new Set<Entry>();
  const before = belief.entries.slice();
  const state = await player.say(text, { expunges: byUid });
  for (const heard of player.heard) {
    const entry = heard.kind === 'fetch' && heard.told.flags ? before[heard.seq - 1] : undefined;
    if (entry) heardFlags.add(entry);
  }
  if (!set) {
    assert.equal(state.name, 'NO', 'STORE after EXAMINE');
    await player.settle(byUid ? 'told' : 'withheld');
    return;
  }
  const modified = modifiedIn(state, belief, before, byUid);
  assert.deepEqual(modified, set.modified, `MODIFIED of ${text}: ${state.text}`);
  expectDone(state, meant.length === chosen.entries.length);
  for (const entry of chosen.entries) {
    if (!messageOf(belief.box, entry.uid) || isAmong(entry, set.modified)) continue;
    // RFC 3501 §6.4.6: unless it is silent, the new value is told.
    if (silent) entry.flags = entry.flags && changed(entry.flags, kind, flags);
    else assert.ok(heardFlags.has(entry), `${text} did not tell the flags of UID ${entry.uid}`);
  }
  await player.settle(byUid ? 'told' : 'withheld');
}

function changed(old: ReadonlySet<string>, kind: 'add' | 'remove' | 'replace', flags: readonly string[]): Set<string> {
  const lower = flags.map(flag => flag.toLowerCase());
  if (kind === 'replace') return new Set(lower);
  return kind === 'add' ? new Set([...old, ...lower]) : new Set([...old].filter(flag => !lower.includes(flag)));
}

/** The UIDs of `[MODIFIED set]`, which has sequence numbers unless the command had UIDs. */
function modifiedIn(state: State, belief: Belief, before: readonly Entry[], byUid: boolean): UidRanges {
  const given = /^MODIFIED (\S+)$/.exec(state.code)?.[1];
  const numbers = (given?.split(',') ?? []).flatMap(range => {
    const [first = 0, last = first] = range.split(':').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
  const uids = numbers.map(number => (byUid ? number : (before[number - 1]?.uid ?? 0)));
  return uidsOf(belief.box.messages.filter(({ uid }) => uids.includes(uid)));
}

async function expunge(player: Player, belief: Belief, pick: Pick | undefined): Promise<void> {
  const chosen = pick && choose(belief, pick, true);
  if (pick && !chosen) return;
  const { box, readOnly } = belief;
  const among = chosen ? box.named(chosen.uids) : box.messages;
  if (!readOnly) box.remove(among.filter(({ flags }) => flags.has('\\Deleted')));
  const state = await player.told(chosen ? `UID EXPUNGE ${chosen.text}` : 'EXPUNGE');
  assert.equal(state.name, readOnly ? 'NO' : 'OK', state.text);
}

async function copy(player: Player, belief: Belief, action: Of<'copy'>): Promise<void> {
  const { byUid, move } = action;
  const chosen = choose(belief, action.set, byUid);
  if (!chosen) return;
  const { box } = belief;
  const name = NAMES[action.to] ?? 'INBOX';
  const target = player.truth.account.boxes.get(name);
  const from = box.named(chosen.uids);
  const possible = target && !(move && belief.readOnly);
  const to = possible ? target.arrive(from, 0) : [];
  if (possible && move) box.remove(from);
  const state = await player.told(`${byUid ? 'UID ' : ''}${move ? 'MOVE' : 'COPY'} ${chosen.text} ${name}`);
  if (!possible) {
    assert.equal(state.name, 'NO');
    if (!target && !(move && belief.readOnly)) assert.equal(state.code, 'TRYCREATE');
    return;
  }
  expectDone(state, from.length === chosen.entries.length);
  const codes = [state.code, ...player.heard.flatMap(heard => (heard.kind === 'state' ? heard.code : []))];
  const copied = codes.find(code => code.startsWith('COPYUID '));
  if (from.length === 0) return assert.equal(copied, undefined);
  const [, validity = '', source = '', arrived = ''] = copied?.split(' ') ?? [];
  player.truth.sawUidValidity(target, Number(validity));
  assert.equal(source, renderRanges(uidsOf(from)), 'COPYUID from');
  assert.equal(arrived, renderRanges(normaliseRanges(to.map(uid => [uid, uid]))), 'COPYUID to');
}

async function fetch(player: Player, belief: Belief, action: Of<'fetch'>): Promise<void> {
  const { byUid, items } = action;
  const chosen = choose(belief, action.set, byUid);
  if (!chosen) return;
  const { box } = belief;
  const since = momentOf(player, belief, action.changedSince);
  if (since || items.includes('MODSEQ')) player.condstore = true;
  const wanted = box.named(chosen.uids).filter(({ modseq }) => !since || modseq > since.meant);
  if (items === 'BODY[]' && !belief.readOnly) {
    box.setFlags(uidsOf(wanted), { kind: 'add', flags: ['\\Seen'] }, { viewAt: box.at });
  }
  const modifier = since ? ` (CHANGEDSINCE ${since.told})` : '';
  const before = belief.entries.slice();
  const state = await player.told(`${byUid ? 'UID ' : ''}FETCH ${chosen.text} (${items})${modifier}`, {
    expunges: byUid,
    asked: true,
  });
  expectDone(state, since !== undefined || wanted.length === chosen.entries.length);
  const told = new Set<number | undefined>();
  for (const heard of player.heard) {
    if (heard.kind !== 'fetch' || !has(heard.told, items)) continue;
    if (byUid) assert.ok(heard.told.uid, 'UID FETCH without UID');
    told.add(before[heard.seq - 1]?.uid);
  }
  for (const { uid } of wanted) assert.ok(told.has(uid), `UID ${uid} was not told`);
}

function has(told: { flags?: unknown; modseq?: unknown; octets?: unknown }, items: string): boolean {
  if (items.startsWith('BODY')) return told.octets !== undefined;
  return told.flags !== undefined && (!items.includes('MODSEQ') || told.modseq !== undefined);
}

async function search(player: Player, belief: Belief, action: Of<'search'>): Promise<void> {
  const { byUid } = action;
  const keys = action.keys.map(key => searchKey(player, belief, key));
  if (!keys.every(key => key !== undefined)) return;
  const [first] = keys;
  if (!first) return;
  const second = keys[1] ?? first;
  const either: Query = { kind: 'or', parts: [first.query, second.query] };
  const query: Query = action.not ? { kind: 'not', part: either } : either;
  const text = `${action.not ? 'NOT ' : ''}OR ${first.text} ${second.text}`;
  const found = belief.entries.flatMap(entry => {
    const message = messageOf(belief.box, entry.uid);
    return message && matches(message, query) ? [{ entry, message }] : [];
  });
  const expected = found.map(({ entry }) => (byUid ? entry.uid : belief.seqOf(entry)));
  const byModSeq = keys.some(({ modseq }) => modseq);
  if (byModSeq) player.condstore = true;
  expectOk(await player.told(`${byUid ? 'UID ' : ''}SEARCH ${text}`, { expunges: byUid }));
  const results = player.heard.filter(heard => heard.kind === 'search');
  assert.equal(results.length, 1);
  assert.deepEqual(results[0]?.numbers, expected, text);
  if (!byModSeq || found.length === 0) return;
  const newest = found.reduce<MemoryMessage | undefined>(
    (most, { message }) => (most && most.modseq >= message.modseq ? most : message),
    undefined,
  );
  if (newest) player.truth.clock(belief.box).sawRow(results[0]?.modseq ?? 0, newest);
}

function searchKey(
  player: Player,
  belief: Belief,
  key: SearchKey,
): { text: string; query: Query; modseq?: true } | undefined {
  if (key.key === 'all') return { text: 'ALL', query: { kind: 'all' } };
  if (key.key === 'modseq') {
    const since = momentOf(player, belief, key.since);
    return since && { text: `MODSEQ ${since.told}`, query: { kind: 'modseq', from: since.meant }, modseq: true };
  }
  if (key.key === 'set' || key.key === 'uid') {
    const chosen = choose(belief, key.set, key.key === 'uid');
    return (
      chosen && { text: `${key.key === 'uid' ? 'UID ' : ''}${chosen.text}`, query: { kind: 'uid', uids: chosen.uids } }
    );
  }
  const name = FLAGS[key.flag] ?? '';
  const query: Query = { kind: 'flag', name };
  const word = name.startsWith('\\') ? name.slice(1).toUpperCase() : undefined;
  if (key.key === 'flag') return { text: word ?? `KEYWORD ${name}`, query };
  return { text: word ? `UN${word}` : `UNKEYWORD ${name}`, query: { kind: 'not', part: query } };
}

/** undefined: the client knows of no message. */
function choose({ entries }: Belief, { picks, form }: Pick, byUid: boolean): Chosen | undefined {
  if (entries.length === 0) return undefined;
  const places = picks.map(pick => pick % entries.length);
  const number = (place: number) => (byUid ? (entries[place]?.uid ?? 0) : place + 1);
  const [first = 0, second = first] = places;
  const numbers = new Set(places.map(number));
  const texts = {
    single: [...numbers].join(','),
    range: `${number(first)}:${number(second)}`,
    open: `${number(first)}:*`,
  };
  const among = (place: number) => {
    if (form === 'single') return places.includes(place);
    const last = form === 'open' ? entries.length - 1 : second;
    return place >= Math.min(first, last) && place <= Math.max(first, last);
  };
  const chosen = entries.filter((_, place) => among(place));
  return {
    text: texts[form],
    entries: chosen,
    uids: normaliseRanges(chosen.map(({ uid = 0 }) => [uid as Uid, uid as Uid])),
  };
}

function isAmong({ uid = 0 }: Entry, ranges: UidRanges): boolean {
  return ranges.some(([first, last]) => uid >= first && uid <= last);
}

function momentOf(player: Player, belief: Belief, pick: number | undefined): Moment | undefined {
  const { moments } = player.truth.clock(belief.box);
  return pick === undefined || moments.length === 0 ? undefined : moments[moments.length - 1 - (pick % moments.length)];
}

/** Messages that others expunged may be passed over, with a word about it (RFC 5530 §3; RFC 7162 §3.1.3, of MODIFIED). */
function expectDone(state: State, whole: boolean): void {
  if (whole) expectOk(state);
  else assert.ok(state.name === 'OK' || /^(?:EXPUNGEISSUED$|MODIFIED )/.test(state.code), state.text);
}
