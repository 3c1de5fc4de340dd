import { dateTimeNow, parseDateTime } from '../imap/date-time.ts';
import { scanFlagList } from '../imap/flag.ts';
import { mailboxName } from '../imap/mailbox-name.ts';
import { MailError } from '../mail/mail-error.ts';
import type { Appended, NewMessage } from '../mail/message.ts';
import { renderRanges } from '../mail/uid-ranges.ts';
import type { MailSession, Upload } from '../session/contract.ts';
import { Malformed } from '../wire/malformed.ts';
import { command, LOGGED_IN } from './command.ts';

/** What is said of a message before it comes. */
type Announced = Pick<NewMessage, 'flags' | 'date'>;

/**
 * APPEND (RFC 3501 §6.3.11). The store looks for the mailbox and for room before it pulls, and with its first pull the continuation
 * request goes out: a client that waits for it sends nothing that is not wanted. The mailbox, if selected, tells its new EXISTS as
 * after any command.
 */
export const append = command({
  name: 'APPEND',
  states: LOGGED_IN,
  streams: true,
  parse(scanner) {
    scanner.space();
    const name = scanner.astring('a mailbox name');
    scanner.space();
    const flags = scanner.peek() === '(' ? scanFlagList(scanner) : undefined;
    if (flags) scanner.space();
    const date = scanner.peek() === '"' ? parseDateTime(scanner.string('a date and time')) : undefined;
    if (date) scanner.space();
    scanner.upload();
    return { name, flags: flags ?? [], date: date ?? dateTimeNow() };
  },
  async run({ mail }, { name, flags, date }) {
    const { upload } = mail;
    if (!upload) throw new Malformed('a literal was expected');
    const { uidValidity, uids } = await store(mail, mailboxName(name), { flags, date }, upload);
    // RFC 4315 §3.
    return { status: 'OK', code: `APPENDUID ${uidValidity} ${renderRanges(uids)}`, text: 'APPEND completed.' };
  },
});

async function store(mail: MailSession, name: string, announced: Announced, upload: Upload): Promise<Appended> {
  const { size } = upload;
  // RFC 3502 §4: a client that has changed its mind says so with an empty literal.
  if (size === 0) throw new MailError('cannot', 'an empty APPEND', { answer: 'A message cannot be empty.' });
  if (size > mail.literalMost) throw new MailError('too-big', `APPEND of ${size} octets`);
  const fault: Fault = { malformed: undefined };
  async function* messages(): AsyncGenerator<NewMessage, void, undefined> {
    yield { ...announced, size, source: untilEndOfCommand(upload, fault) };
  }
  try {
    return await mail.store.append(name, messages(), mail.signal);
  } catch (error) {
    if (fault.malformed) throw fault.malformed;
    // Creating it would help: TRYCREATE.
    if (error instanceof MailError && error.kind === 'nonexistent')
      throw new MailError('no-target', error.message, { cause: error });
    throw error;
  }
}

/** Kept apart from what the store throws, which may have wrapped it. */
interface Fault {
  malformed: Malformed | undefined;
}

/**
 * The literal's octets. The last of them are held back until the command's end has been seen: a store that has them all may
 * store, and nothing may be stored by a command that is answered BAD.
 */
async function* untilEndOfCommand(upload: Upload, fault: Fault): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    let left = upload.size;
    for await (const bytes of upload.source) {
      left -= bytes.length;
      if (left === 0) {
        const { scanner } = await upload.rest();
        scanner.end();
      }
      yield bytes;
    }
  } catch (error) {
    if (error instanceof Malformed) fault.malformed = error;
    throw error;
  }
}
