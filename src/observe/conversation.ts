import { announcedLiteral, showLine, TraceLine } from './trace-line.ts';

const HIDDEN = '<hidden>';
const LF = 0x0a;
/** Pipelined commands whose tags are remembered. */
const MOST_TAGS = 1000;

/**
 * Commands that are shown. What does not look like one of these is hidden whole: it may be a password sent at the wrong moment, or
 * typed without a tag.
 */
const SHOWN = new Set(
  (
    'APPEND CANCELUPDATE CAPABILITY CHECK CLOSE COMPARATOR COMPRESS COPY CREATE DELETE DELETEACL ENABLE ESEARCH EXAMINE EXPUNGE ' +
    'FETCH GETACL GETJMAPACCESS GETMETADATA GETQUOTA GETQUOTAROOT ID IDLE LANGUAGE LIST LISTRIGHTS LOGOUT LSUB MOVE MYRIGHTS ' +
    'NAMESPACE NOOP NOTIFY RENAME REPLACE SEARCH SELECT SETACL SETMETADATA SETQUOTA SORT STARTTLS STATUS STORE SUBSCRIBE THREAD ' +
    'UNAUTHENTICATE UNSELECT UNSUBSCRIBE UID XLIST'
  ).split(' '),
);

/** Commands whose name is shown and whose arguments are not: passwords, and tokens that give access (RFC 4467). */
const SECRETIVE = new Set(['LOGIN', 'GENURLAUTH', 'RESETKEY', 'URLFETCH', 'XAPPLEPUSHSERVICE']);

/**
 * Where the client's side stands.
 * - `command`: a line begins a command
 * - `more`: a line goes on with a command, after a literal
 * - `waiting`: a literal was announced and the client waits for `+`
 * - `lost`: nobody can tell any more what the client's bytes are
 */
type ClientState = 'command' | 'more' | 'waiting' | 'lost';

/**
 * Turns both directions of an IMAP connection, in whatever chunks they come, into lines for a trace, with passwords and literals
 * hidden. The server's side must be fed before what the client sends in answer to it, as a relay sees it by nature. Memory is
 * bounded, literals are counted and not looked at.
 *
 * Doubt is always decided for hiding: a refused literal, an unknown command or a client that does not wait for `+` would otherwise
 * let a password pass for something else.
 */
export class Conversation {
  readonly #emit: (side: 'C' | 'S', text: string) => void;
  readonly #client = new TraceLine();
  readonly #server = new TraceLine();
  #clientState: ClientState = 'command';
  #clientLiteral = 0;
  #serverLiteral = 0;
  /** The line goes on with an untagged response, after a literal. */
  #serverMore = false;
  /** Tag of the command being sent, or last sent. */
  #tag = '';
  /** Everything of that command but its name is hidden. */
  #secret = false;
  /** Tags that were shown and not yet answered, and whether their command was secret. Other tags are hidden: see `#showServer`. */
  readonly #tags = new Map<string, boolean>();
  /** Something was hidden that a server may repeat in a complaint. */
  #hidSomething = false;
  /** Tag of the AUTHENTICATE under way: the client's lines are SASL data. */
  #authenticating: string | undefined;
  /** The client's present line began while authenticating. */
  #lineIsSasl = false;
  #compressing: string | undefined;
  #readable = true;

  constructor(emit: (side: 'C' | 'S', text: string) => void) {
    this.#emit = emit;
  }

  /** False once the connection is compressed: what follows is not text. */
  get readable(): boolean {
    return this.#readable;
  }

  client(chunk: Uint8Array): void {
    for (let rest = chunk; rest.length > 0 && this.#readable; ) {
      if (this.#clientState === 'lost') return;
      if (this.#clientState === 'waiting') {
        this.#lose();
        return;
      }
      if (this.#clientLiteral > 0) {
        const skipped = Math.min(this.#clientLiteral, rest.length);
        this.#clientLiteral -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      if (this.#client.length === 0) this.#lineIsSasl = this.#authenticating !== undefined;
      const end = rest.indexOf(LF);
      this.#client.append(end === -1 ? rest : rest.subarray(0, end + 1));
      if (end === -1) return;
      rest = rest.subarray(end + 1);
      this.#clientLine();
    }
  }

  server(chunk: Uint8Array): void {
    for (let rest = chunk; rest.length > 0 && this.#readable; ) {
      if (this.#serverLiteral > 0) {
        const skipped = Math.min(this.#serverLiteral, rest.length);
        this.#serverLiteral -= skipped;
        rest = rest.subarray(skipped);
        continue;
      }
      const end = rest.indexOf(LF);
      this.#server.append(end === -1 ? rest : rest.subarray(0, end + 1));
      if (end === -1) return;
      rest = rest.subarray(end + 1);
      this.#serverLine();
    }
  }

  /** Shows what was begun and not finished. */
  end(): void {
    if (!this.#readable) return;
    if (this.#server.length > 0) this.#emit('S', `${this.#showServer(this.#server.take())} <unfinished>`);
    if (this.#client.length > 0) this.#emit('C', `${this.#showClient(this.#client.take())} <unfinished>`);
  }

  #clientLine(): void {
    const line = this.#client.take();
    const shown = this.#showClient(line);
    const literal = this.#lineIsSasl ? undefined : announcedLiteral(line.end);
    if (!literal) {
      this.#emit('C', shown);
      this.#clientState = 'command';
      return;
    }
    const announced = `{${literal.size}${literal.waits ? '' : '+'}}`;
    this.#emit('C', shown.endsWith(announced) ? `${shown} ${HIDDEN}` : `${shown} ${announced} ${HIDDEN}`);
    this.#clientLiteral = literal.size;
    this.#clientState = literal.waits ? 'waiting' : 'more';
  }

  /** Decides what of a client's line may be seen, and notes what the line begins. */
  #showClient({ text, omitted }: { text: string; omitted: number }): string {
    if (this.#lineIsSasl) return text === '*' ? text : this.#hide();
    // A bare CR ends a line for some servers.
    const oneLine = !/[\r\0]/.test(text);
    if (this.#clientState === 'more') return this.#secret || !oneLine ? this.#hide() : showLine(text, omitted);
    if (/^(DONE)?$/i.test(text)) return text;
    const [tag = '', ...words] = text.split(' ', 4);
    const [name = '', second = '', third = ''] = words.map(word => word.toUpperCase());
    this.#tag = tag;
    this.#secret = true;
    if (!oneLine || isLogin(tag.toUpperCase()) || !/^[!-~]{1,100}$/.test(tag)) return this.#hide();
    if (name === 'AUTHENTICATE') {
      this.#authenticating = tag;
      const mechanism = /^[A-Z0-9_-]{1,20}$/.test(second) ? second : HIDDEN;
      const response = words.length > 2 ? ` ${this.#hide()}` : '';
      return `${this.#open(tag)} ${name} ${mechanism}${response}`;
    }
    if (SECRETIVE.has(name)) return `${this.#open(tag)} ${name} ${this.#hide()}`;
    if (!SHOWN.has(name) || isLogin(second) || isLogin(third)) return this.#hide();
    this.#secret = false;
    this.#open(tag);
    if (name === 'COMPRESS') this.#compressing = tag;
    return showLine(text, omitted);
  }

  #hide(): string {
    this.#hidSomething = true;
    return HIDDEN;
  }

  /** Lets the answers to a tag be shown. */
  #open(tag: string): string {
    this.#tags.set(tag, this.#secret || this.#tags.get(tag) === true);
    if (this.#tags.size > MOST_TAGS) this.#tags.delete(this.#tags.keys().next().value ?? tag);
    return tag;
  }

  #serverLine(): void {
    const line = this.#server.take();
    const shown = this.#showServer(line);
    // Status responses, continuations and tagged lines end in human text: a "{5}" there announces nothing.
    const data = this.#serverMore || (/^\* /.test(line.text) && !/^\* (OK|NO|BAD|BYE|PREAUTH)\b/i.test(line.text));
    const literal = data ? announcedLiteral(line.end) : undefined;
    this.#emit('S', literal ? `${shown} ${HIDDEN}` : shown);
    this.#serverLiteral = literal?.size ?? 0;
    const goesOn = this.#serverMore;
    this.#serverMore = literal !== undefined;
    if (!goesOn && !literal) this.#heed(line.text);
  }

  #showServer({ text, omitted }: { text: string; omitted: number }): string {
    if (this.#serverMore) return showLine(text, omitted);
    if (this.#authenticating !== undefined && text.startsWith('+')) return text.length > 2 ? `+ ${HIDDEN}` : text;
    if (text.startsWith('+') || (text.startsWith('* ') && !/^\* BAD\b/i.test(text))) return showLine(text, omitted);
    // Servers repeat what they did not understand: as text, or a hidden line's first word as the tag.
    const [tag = '', status = ''] = text.split(' ', 2);
    const secret = this.#tags.get(tag) ?? this.#hidSomething;
    const shownTag = tag === '*' || this.#tags.has(tag) ? tag : HIDDEN;
    if (secret && !/^(OK|NO)$/i.test(status)) return `${shownTag}${/^BAD$/i.test(status) ? ' BAD' : ''} ${HIDDEN}`;
    return showLine(`${shownTag}${text.slice(tag.length)}`, omitted);
  }

  /** What a whole line of the server changes for the client's side. */
  #heed(text: string): void {
    if (text.startsWith('+')) {
      if (this.#clientState === 'waiting') this.#clientState = 'more';
      return;
    }
    const [tag = '', status = ''] = text.split(' ', 2);
    if (!/^(OK|NO|BAD)$/i.test(status)) return;
    this.#tags.delete(tag);
    if (this.#clientState === 'waiting' && tag === this.#tag) {
      this.#clientLiteral = 0;
      this.#clientState = 'command';
    }
    if (tag === this.#authenticating) this.#authenticating = undefined;
    if (tag !== this.#compressing) return;
    this.#compressing = undefined;
    if (!/^OK$/i.test(status)) return;
    this.#emit('S', '<compressed from here on>');
    this.#readable = false;
  }

  #lose(): void {
    this.#clientState = 'lost';
    this.#clientLiteral = 0;
    this.#emit('C', '<hidden from here on: the client sent a literal before it was asked to>');
  }
}

/** Where this stands in another place than a command's, the line may be a login that somebody got wrong. */
function isLogin(word: string): boolean {
  return word === 'LOGIN' || word === 'AUTHENTICATE';
}
