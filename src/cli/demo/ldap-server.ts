import { once } from 'node:events';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { MalformedMessage, MessageFrames } from '../../auth/ldap/frames.ts';
import { matches } from './ldap-filter.ts';
import { ANSWER_TO, encodeEntry, encodeResult, type LdapRequest, parseRequest, RESULT } from './ldap-message.ts';

/** An entry of the directory. */
export interface LdapEntry {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** Whoever has one can bind. */
  readonly password?: string;
}

export interface LdapServerOptions {
  readonly entries: readonly LdapEntry[];
  /** PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** No request of a few filters comes near this. */
const LONGEST_REQUEST = 64 * 1024;
/** Not sent with the others, only when asked for (RFC 4512 §3.4). */
const OPERATIONAL: ReadonlySet<string> = new Set(['entryuuid', 'memberof']);

/**
 * A read-only LDAP directory (RFC 4511) over TLS, in memory, on a loopback port of the system's choice: simple bind and search, which
 * only those may who are bound. Enough for Postern, ldapsearch and mail clients' address books; no more than a demonstration needs.
 */
export class LdapServer {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start({ entries, certificate, key }: LdapServerOptions): Promise<LdapServer> {
    const server = createServer({ cert: certificate, key, minVersion: 'TLSv1.2' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const started = new LdapServer(server, typeof address === 'object' && address ? address.port : 0);
    const tree = new Tree(entries);
    server.on('secureConnection', socket => started.#serve(socket, tree));
    return started;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: TLSSocket, tree: Tree): void {
    this.#sockets.add(socket);
    // A connection that breaks ends in its 'close'.
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    const frames = new MessageFrames(LONGEST_REQUEST);
    const dialogue = new Dialogue(tree);
    socket.on('data', (chunk: Buffer) => {
      try {
        frames.push(chunk);
        for (let message = frames.next(); message && !socket.writableEnded; message = frames.next()) {
          const answer = dialogue.answer(parseRequest(message));
          if (answer === 'goodbye') socket.end();
          else socket.write(answer);
        }
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error;
        socket.destroy();
      }
    });
  }
}

/** One connection: who is bound, and what is answered. */
class Dialogue {
  readonly #tree: Tree;
  #boundAs: string | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  answer(request: LdapRequest): Buffer | 'goodbye' {
    const { id } = request;
    switch (request.kind) {
      case 'unbind':
        return 'goodbye';
      case 'abandon':
        return Buffer.alloc(0);
      case 'bind':
        return this.#bind(request);
      case 'search':
        return this.#search(request);
      default: {
        if (request.answer === undefined) return 'goodbye';
        const code = request.answer === ANSWER_TO.extended ? RESULT.protocolError : RESULT.unwillingToPerform;
        return encodeResult(id, request.answer, code, 'this directory knows simple bind and search');
      }
    }
  }

  #bind({ id, dn, password }: Extract<LdapRequest, { kind: 'bind' }>): Buffer {
    this.#boundAs = undefined;
    const result = (code: number, text?: string) => encodeResult(id, ANSWER_TO.bind, code, text);
    if (password === undefined) return result(RESULT.authMethodNotSupported, 'simple bind only');
    if (dn === '' && password === '') return result(RESULT.success);
    // RFC 4513 §5.1.2: what proves nothing must not look like a proof.
    if (password === '') return result(RESULT.unwillingToPerform, 'a bind needs a password');
    const entry = this.#tree.at(dn);
    if (entry?.password !== password) return result(RESULT.invalidCredentials);
    this.#boundAs = dn;
    return result(RESULT.success);
  }

  #search(request: Extract<LdapRequest, { kind: 'search' }>): Buffer {
    const { id, base, scope, filter, sizeLimit, attributes, paged } = request;
    const done = (code: number, text?: string) => encodeResult(id, ANSWER_TO.search, code, text, paged);
    if (this.#boundAs === undefined) return done(RESULT.insufficientAccessRights, 'bind first');
    const below = this.#tree.below(base, scope);
    if (!below) return done(RESULT.noSuchObject);
    const found = below.filter(entry => matches(filter, name => valuesOf(entry, name)));
    const told = sizeLimit > 0 ? found.slice(0, sizeLimit) : found;
    const code = told.length < found.length ? RESULT.sizeLimitExceeded : RESULT.success;
    return Buffer.concat([...told.map(entry => encodeEntry(id, entry.dn, chosen(entry, attributes))), done(code)]);
  }
}

/** The entries by their names. */
class Tree {
  readonly #entries: ReadonlyMap<string, LdapEntry>;

  constructor(entries: readonly LdapEntry[]) {
    this.#entries = new Map(entries.map(entry => [foldDn(entry.dn), entry]));
  }

  at(dn: string): LdapEntry | undefined {
    return this.#entries.get(foldDn(dn));
  }

  /** Undefined when there is no such base. */
  below(base: string, scope: 'base' | 'one' | 'sub'): readonly LdapEntry[] | undefined {
    const root = foldDn(base);
    const entry = this.#entries.get(root);
    if (!entry) return undefined;
    if (scope === 'base') return [entry];
    const parentOf = (dn: string) => dn.replace(/^[^,]*,?/, '');
    const inScope = ([dn]: readonly [string, LdapEntry]) =>
      scope === 'one' ? parentOf(dn) === root : dn === root || dn.endsWith(`,${root}`);
    return [...this.#entries].filter(inScope).map(([, below]) => below);
  }
}

/** As names are compared: without regard to case and to space around separators. Our own names hold no escapes. */
function foldDn(dn: string): string {
  return dn
    .toLowerCase()
    .replace(/\s*([,=])\s*/g, '$1')
    .trim();
}

function valuesOf({ attributes }: LdapEntry, wanted: string): readonly string[] {
  return Object.entries(attributes).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? [];
}

/** The attributes a search asked for: named, "*" or none for all users', "+" for operational ones (RFC 3673). */
function chosen({ attributes }: LdapEntry, wanted: readonly string[]): [string, readonly string[]][] {
  const names = new Set(wanted.map(name => name.toLowerCase()));
  const all = names.size === 0 || names.has('*');
  return Object.entries(attributes).filter(([name]) => {
    const folded = name.toLowerCase();
    return names.has(folded) || (OPERATIONAL.has(folded) ? names.has('+') : all);
  });
}
