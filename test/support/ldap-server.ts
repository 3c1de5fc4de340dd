import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, TLSSocket } from 'node:tls';
import { BerReader, BerWriter, type Filter, FilterParser } from 'ldapts';

/** What a client asked, as far as tests look at it. */
export type LdapServerRequest =
  | { readonly kind: 'bind'; readonly id: number; readonly dn: string; readonly password: string }
  | {
      readonly kind: 'search';
      readonly id: number;
      readonly base: string;
      /** 0 base, 1 one, 2 sub. */
      readonly scope: number;
      readonly sizeLimit: number;
      /** As RFC 4515 writes it; ldapts spells attributes in lower case. */
      readonly filter: string;
      readonly attributes: readonly string[];
      /** The cookie of a paged search; undefined when it is none. */
      readonly cookie: string | undefined;
    }
  | { readonly kind: 'extended'; readonly id: number; readonly oid: string }
  | { readonly kind: 'unbind'; readonly id: number };

export interface ResultOptions {
  readonly message?: string;
  /** Response controls: OID and value. */
  readonly controls?: readonly (readonly [string, Buffer])[];
}

/** One connection, to answer on. */
export interface LdapServerReply {
  readonly socket: Socket;
  /** How many connections came before this one. */
  readonly connection: number;
  bind(id: number, code: number, options?: ResultOptions): void;
  entry(id: number, dn: string, attributes: Readonly<Record<string, readonly (string | Buffer)[]>>): void;
  reference(id: number, ...urls: string[]): void;
  done(id: number, code?: number, options?: ResultOptions): void;
  extended(id: number, code: number, options?: ResultOptions): void;
  /** Speaks TLS from here on; needs a certificate. */
  upgrade(): void;
  raw(bytes: Buffer): void;
}

export type LdapServerHandler = (request: LdapServerRequest, reply: LdapServerReply) => void;

export interface LdapServerOptions {
  readonly handler: LdapServerHandler;
  readonly certificate?: { readonly certificate: string; readonly key: string };
  /** Speaks TLS from the first byte. */
  readonly implicit?: boolean;
}

const PAGED_RESULTS = '1.2.840.113556.1.4.319';

/** A server that answers what a test tells it, right or wrong. */
export class LdapServer {
  readonly port: number;
  /** Told anew at any time. */
  handler: LdapServerHandler;
  readonly requests: LdapServerRequest[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #options: LdapServerOptions;

  private constructor(server: Server, port: number, options: LdapServerOptions) {
    this.#server = server;
    this.port = port;
    this.handler = options.handler;
    this.#options = options;
  }

  static async start(options: LdapServerOptions): Promise<LdapServer> {
    const { certificate, implicit } = options;
    const server =
      implicit && certificate
        ? createTlsServer({ cert: certificate.certificate, key: certificate.key })
        : createServer({ noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const started = new LdapServer(server, typeof address === 'object' && address ? address.port : 0, options);
    server.on(implicit ? 'secureConnection' : 'connection', (socket: Socket) => started.#serve(socket));
    return started;
  }

  /** Open connections. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Binds that were asked for, as "DN password". */
  get binds(): readonly string[] {
    return this.requests.flatMap(request => (request.kind === 'bind' ? [`${request.dn} ${request.password}`] : []));
  }

  /** Closes all connections and goes on listening. */
  dropAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.dropAll();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    const connection = this.connections;
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    let received = Buffer.alloc(0);
    const reply = this.#replyOn(socket, connection);
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let message = firstMessage(received); message; message = firstMessage(received)) {
        received = received.subarray(message.length);
        const request = parseRequest(message);
        this.requests.push(request);
        this.handler(request, reply);
      }
    });
  }

  #replyOn(socket: Socket, connection: number): LdapServerReply {
    const send = (id: number, body: (writer: BerWriter) => void, controls: ResultOptions['controls'] = []) => {
      if (!socket.destroyed) socket.write(encodeMessage(id, body, controls));
    };
    const result =
      (tag: number) =>
      (id: number, code: number, options: ResultOptions = {}) =>
        send(
          id,
          writer => {
            writer.startSequence(tag);
            writer.writeEnumeration(code);
            writer.writeString('');
            writer.writeString(options.message ?? '');
            writer.endSequence();
          },
          options.controls,
        );
    return {
      socket,
      connection,
      bind: result(0x61),
      extended: result(0x78),
      done: (id, code = 0, options = {}) => result(0x65)(id, code, options),
      entry: (id, dn, attributes) =>
        send(id, writer => {
          writer.startSequence(0x64);
          writer.writeString(dn);
          writer.startSequence();
          for (const [name, values] of Object.entries(attributes)) {
            writer.startSequence();
            writer.writeString(name);
            writer.startSequence(0x31);
            for (const value of values) writer.writeBuffer(Buffer.from(value), 0x04);
            writer.endSequence();
            writer.endSequence();
          }
          writer.endSequence();
          writer.endSequence();
        }),
      reference: (id, ...urls) =>
        send(id, writer => {
          writer.startSequence(0x73);
          for (const url of urls) writer.writeString(url);
          writer.endSequence();
        }),
      raw: bytes => void socket.write(bytes),
      upgrade: () => this.#upgrade(socket),
    };
  }

  #upgrade(socket: Socket): void {
    const { certificate } = this.#options;
    if (!certificate) throw new Error('no certificate to speak TLS with');
    socket.removeAllListeners('data');
    const secureContext = createSecureContext({ cert: certificate.certificate, key: certificate.key });
    this.#serve(new TLSSocket(socket, { isServer: true, secureContext }));
    this.connections -= 1;
  }
}

/** A value of the paged results control (RFC 2696 §2). */
export function pagedControl(cookie: string): readonly [string, Buffer] {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(0);
  writer.writeString(cookie);
  writer.endSequence();
  return [PAGED_RESULTS, writer.buffer];
}

/** A value of the password policy control with an error (draft-behera-ldap-password-policy §6.2). */
export function policyControl(error: number): readonly [string, Buffer] {
  return ['1.3.6.1.4.1.42.2.27.8.5.1', Buffer.from([0x30, 3, 0x81, 1, error])];
}

function encodeMessage(
  id: number,
  body: (writer: BerWriter) => void,
  controls: readonly (readonly [string, Buffer])[],
): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  body(writer);
  if (controls.length > 0) {
    writer.startSequence(0xa0);
    for (const [oid, value] of controls) {
      writer.startSequence();
      writer.writeString(oid);
      writer.writeBuffer(value, 0x04);
      writer.endSequence();
    }
    writer.endSequence();
  }
  writer.endSequence();
  return writer.buffer;
}

function firstMessage(bytes: Buffer): Buffer | undefined {
  const reader = new BerReader(bytes);
  if (reader.readSequence() === null || reader.remain < reader.length) return undefined;
  return bytes.subarray(0, reader.offset + reader.length);
}

function parseRequest(message: Buffer): LdapServerRequest {
  const reader = new BerReader(message);
  reader.readSequence();
  const id = reader.readInt() ?? 0;
  const operation = reader.readSequence();
  if (operation === 0x60) {
    reader.readInt();
    return { kind: 'bind', id, dn: reader.readString() ?? '', password: reader.readString(0x80) ?? '' };
  }
  if (operation === 0x77) return { kind: 'extended', id, oid: reader.readString(0x80) ?? '' };
  if (operation === 0x42) return { kind: 'unbind', id };
  if (operation !== 0x63) throw new Error(`operation 0x${operation?.toString(16)} is not for this server`);
  const base = reader.readString() ?? '';
  const scope = reader.readEnumeration() ?? 0;
  reader.readEnumeration();
  const sizeLimit = reader.readInt() ?? 0;
  reader.readInt();
  reader.readBoolean();
  const filter = readFilter(reader);
  const attributes: string[] = [];
  reader.readSequence();
  for (const end = reader.offset + reader.length; reader.offset < end; ) attributes.push(reader.readString() ?? '');
  return { kind: 'search', id, base, scope, sizeLimit, filter, attributes, cookie: readCookie(reader) };
}

/** In the words of RFC 4515. (The presence filter of ldapts 9.2 reads from where the buffer begins, wherever it stands.) */
function readFilter(reader: BerReader): string {
  const start = reader.offset;
  const tag = reader.readSequence() ?? 0;
  const end = reader.offset + reader.length;
  const operator = { 160: '&', 161: '|', 162: '!' }[tag];
  if (operator !== undefined) {
    let inner = '';
    while (reader.offset < end) inner += readFilter(reader);
    return `(${operator}${inner})`;
  }
  const content = reader.buffer.subarray(reader.offset, end);
  reader.offset = end;
  if (tag === 0x87) return `(${content.toString('utf8')}=*)`;
  const parsed: Filter = FilterParser.parse(new BerReader(reader.buffer.subarray(start, end)));
  return parsed.toString();
}

function readCookie(reader: BerReader): string | undefined {
  if (reader.peek() !== 0xa0) return undefined;
  reader.readSequence();
  for (const end = reader.offset + reader.length; reader.offset < end; ) {
    reader.readSequence();
    const oid = reader.readString();
    if (reader.peek() === 0x01) reader.readBoolean();
    const value = reader.offset < end ? reader.readString(0x04, true) : null;
    if (oid !== PAGED_RESULTS || !value) continue;
    const control = new BerReader(value);
    control.readSequence();
    control.readInt();
    return control.readString() ?? '';
  }
  return undefined;
}
