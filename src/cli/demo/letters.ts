import { document, invitation, measurements, picture } from './attachments.ts';
import { ALICE, BOB, CONVERSATIONS, type Conversation, type Writer } from './conversations.ts';
import { attachment, type Entity, forwarded, mailbox, message, multipart, textPart } from './mime.ts';

/** A message in somebody's mailbox. */
export interface Letter {
  readonly owner: string;
  /** INBOX, or a path with "/". */
  readonly mailbox: string;
  readonly date: Date;
  /** IMAP flags. */
  readonly flags: readonly ('\\Seen' | '\\Answered' | '\\Flagged')[];
  readonly bytes: Buffer;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONITOR: Writer = ['Backup', 'backup@example.org'];
const SHOP: Writer = ['Papier & Tinte', 'newsletter@papier.example'];

/**
 * About a hundred messages for alice and bob, the same each time but for their dates: threads in a dozen languages, attachments,
 * HTML, an invitation, a forwarded message, a mailing list, reports and newsletters.
 * @param now the newest are a little older
 */
export function demoLetters(now: Date): readonly Letter[] {
  const threads = CONVERSATIONS.flatMap((conversation, index) =>
    thread(conversation, index, now.getTime() - (CONVERSATIONS.length - index) * 1.5 * DAY),
  );
  return [...threads, ...reports(now), ...newsletters(now)].toSorted((a, b) => a.date.getTime() - b.date.getTime());
}

function thread(conversation: Conversation, index: number, begin: number): Letter[] {
  const { subject, among, turns, charset, folder = 'INBOX' } = conversation;
  const everybody = new Map([...among, ...turns.map(([from]) => from)].map(writer => [writer[1], writer]));
  const ids = turns.map((_, turn) => `<thread-${index}.${turn}@${DEMO_HOST}>`);
  return turns.flatMap(([from, words], turn) => {
    const date = new Date(begin + turn * 1.7 * HOUR);
    const to = [...everybody.values()].filter(([, address]) => address !== from[1]);
    const [, before = ''] = turns[turn - 1] ?? [];
    const body = textPart(turn === 0 ? `${words}\n` : `${words}\n\n${quoted(before)}\n`, charset ? { charset } : {});
    const bytes = message(
      [
        ['Date', rfc5322(date)],
        ['From', mailbox(...from)],
        ['To', to.map(writer => mailbox(...writer)).join(', ')],
        ['Subject', turn === 0 ? subject : `Re: ${subject}`],
        ['Message-ID', ids[turn] ?? ''],
        ...(turn === 0
          ? []
          : ([
              ['In-Reply-To', ids[turn - 1] ?? ''],
              ['References', ids.slice(0, turn).join(' ')],
            ] as const)),
        ...(folder.startsWith('Lists/') ? ([['List-Id', `<${folder.slice(6)}.lists.${DEMO_HOST}>`]] as const) : []),
      ],
      turn === 0 ? enclose(body, conversation, index, date) : body,
    );
    const last = turn === turns.length - 1;
    return [ALICE, BOB].flatMap((owner): Letter[] => {
      const [, address] = owner;
      if (!everybody.has(address)) return [];
      const name = ownerOf(owner);
      if (address === from[1]) return [{ owner: name, mailbox: 'Sent', date, flags: ['\\Seen'], bytes }];
      const flags: Letter['flags'] = last ? [] : turns[turn + 1]?.[0] === owner ? ['\\Seen', '\\Answered'] : ['\\Seen'];
      return [
        {
          owner: name,
          mailbox: folder,
          date,
          flags: index === 0 && turn === 0 ? [...flags, '\\Flagged'] : flags,
          bytes,
        },
      ];
    });
  });
}

/** The first message of a thread, with what comes along. */
function enclose(
  body: Entity,
  { enclosed, filename = 'file', turns, subject }: Conversation,
  index: number,
  date: Date,
): Entity {
  const boundary = `=_demo_${index}`;
  const mixed = (part: Entity) => multipart('mixed', boundary, [body, part]);
  switch (enclosed) {
    case 'picture':
      return mixed(attachment(filename, 'image/png', picture(120, 80)));
    case 'large':
      return mixed(attachment(filename, 'image/png', picture(900, 700, 255)));
    case 'document':
      return mixed(attachment(filename, 'application/pdf', document('Offer 2026-118')));
    case 'measurements':
      return mixed(attachment(filename, 'text/csv; charset=utf-8', measurements(500)));
    case 'html': {
      const html = `<html><body><p>${(turns[0]?.[1] ?? '').replace(/\n\n/g, '</p>\n<p>').replace(/\n(?!<)/g, '<br>\n')}</p></body></html>\n`;
      return multipart('alternative', boundary, [body, textPart(html, { subtype: 'html' })]);
    }
    case 'invitation': {
      const calendar = invitation(
        `meeting-${index}@${DEMO_HOST}`,
        new Date(date.getTime() + 9 * DAY),
        subject,
        BOB[1],
        ALICE[1],
      );
      return multipart('alternative', boundary, [body, textPart(calendar, { subtype: 'calendar; method=REQUEST' })]);
    }
    case 'forwarded':
      return mixed(forwarded(bill(date)));
    default:
      return body;
  }
}

function bill(date: Date): Buffer {
  return message(
    [
      ['Date', rfc5322(new Date(date.getTime() - DAY))],
      ['From', mailbox('Ufficio contabilità', 'fatture@fornitore.example')],
      ['To', mailbox('Rossi, Carla', 'c.rossi@example.it')],
      ['Subject', 'Fattura n. 2026/118'],
      ['Message-ID', `<bill-118@${DEMO_HOST}>`],
    ],
    multipart('mixed', '=_bill', [
      textPart('In allegato la fattura. L’importo totale è di 1.180 €.\n'),
      attachment('fattura.pdf', 'application/pdf', document('Fattura 2026/118: 1180 EUR')),
    ]),
  );
}

/** What a server writes every night. */
function reports(now: Date): Letter[] {
  return Array.from({ length: 24 }, (_, index): Letter => {
    const date = new Date(now.getTime() - (24 - index) * DAY + 3 * HOUR);
    const failed = index % 11 === 7;
    const owner = index % 2 === 0 ? ALICE : BOB;
    const lines = Array.from({ length: 12 }, (_, disk) => `disk${disk + 1}  ${100 + disk * 7 + index} GB  ok`);
    const text = `Backup of ${date.toISOString().slice(0, 10)}\n\n${lines.join('\n')}\n${failed ? 'disk13  FAILED: no space left\n' : ''}`;
    const bytes = message(
      [
        ['Date', rfc5322(date)],
        ['From', mailbox(...MONITOR)],
        ['To', mailbox(...owner)],
        ['Subject', failed ? 'BACKUP FAILED on server7' : `Backup report, run ${index + 1}`],
        ['Message-ID', `<backup-${index}@${DEMO_HOST}>`],
        ['Auto-Submitted', 'auto-generated'],
      ],
      textPart(text, { charset: 'us-ascii' }),
    );
    const flags: Letter['flags'] = failed ? ['\\Flagged'] : index < 20 ? ['\\Seen'] : [];
    return { owner: ownerOf(owner), mailbox: 'Reports', date, flags, bytes };
  });
}

/** HTML with a picture in it (RFC 2387). */
function newsletters(now: Date): Letter[] {
  return Array.from({ length: 8 }, (_, index): Letter => {
    const owner = index % 2 === 0 ? BOB : ALICE;
    const date = new Date(now.getTime() - (8 - index) * 3 * DAY);
    const words = `Ausgabe ${index + 1}: schöne Hefte, Füller und Tinte. Nur diese Woche 20 % günstiger.`;
    const html = `<html><body><h1>Papier &amp; Tinte</h1><img src="cid:logo-${index}@${DEMO_HOST}"><p>${words}</p></body></html>\n`;
    const logo = attachment('logo.png', 'image/png', picture(64, 32));
    const related = multipart('related', `=_related_${index}`, [
      textPart(html, { subtype: 'html' }),
      { ...logo, headers: [...logo.headers, `Content-ID: <logo-${index}@${DEMO_HOST}>`] },
    ]);
    const bytes = message(
      [
        ['Date', rfc5322(date)],
        ['From', mailbox(...SHOP)],
        ['To', mailbox(...owner)],
        ['Subject', `Neues für den Schreibtisch (${index + 1})`],
        ['Message-ID', `<letter-${index}@papier.example>`],
        ['List-Unsubscribe', '<mailto:unsubscribe@papier.example>'],
      ],
      multipart('alternative', `=_letter_${index}`, [textPart(`${words}\n`), related]),
    );
    return { owner: ownerOf(owner), mailbox: 'INBOX', date, flags: index < 5 ? ['\\Seen'] : [], bytes };
  });
}

const DEMO_HOST = 'demo.example.org';

function ownerOf([, address]: Writer): string {
  return address.replace(/@.*/, '');
}

function quoted(text: string): string {
  return text.replace(/^/gm, '> ');
}

/** RFC 5322 §3.3. */
function rfc5322(date: Date): string {
  return date.toUTCString().replace('GMT', '+0000');
}
