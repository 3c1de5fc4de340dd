import { isIP, isIPv4, isIPv6 } from 'node:net';

/** The connection as the client made it, as a trusted proxy tells it. */
export interface ProxiedAddress {
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
}

export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly kind: 'incomplete' }
  /** The header took `length` bytes; `address` is undefined for LOCAL and UNKNOWN (the proxy's own health checks). */
  | { readonly kind: 'header'; readonly length: number; readonly address: ProxiedAddress | undefined }
  | { readonly kind: 'invalid'; readonly reason: string };

const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** The PROXY protocol §2.1: a v1 line is at most 107 characters with its end. */
const V1_MOST = 107;
/** §2.2: the length field allows 64 KB; addresses and the usual TLVs need far less. */
const V2_MOST = 4096;

/** Reads a PROXY protocol header, version 1 or 2, from the first bytes of a connection (haproxy.org, proxy-protocol.txt). */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  const compared = Math.min(bytes.length, V2_SIGNATURE.length);
  if (bytes.subarray(0, compared).equals(V2_SIGNATURE.subarray(0, compared))) {
    return bytes.length < 16 ? { kind: 'incomplete' } : parseV2(bytes);
  }
  return parseV1(bytes);
}

function parseV1(bytes: Buffer): ProxyHeader {
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, 6));
  if (!'PROXY '.startsWith(start)) return { kind: 'invalid', reason: 'no PROXY header' };
  const end = bytes.subarray(0, V1_MOST).indexOf('\r\n');
  if (end === -1) {
    return bytes.length >= V1_MOST ? { kind: 'invalid', reason: 'PROXY line too long' } : { kind: 'incomplete' };
  }
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  if (/^PROXY UNKNOWN( |$)/.test(line)) return { kind: 'header', length, address: undefined };
  const match = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line);
  const [, family, source = '', destination = '', sourcePort, destinationPort] = match ?? [];
  const isFamily = family === 'TCP6' ? isBareV6 : isIPv4;
  const ports = [Number(sourcePort), Number(destinationPort)] as const;
  if (!match || !isFamily(source) || !isFamily(destination) || ports.some(port => port > 65535)) {
    return { kind: 'invalid', reason: 'malformed PROXY line' };
  }
  return {
    kind: 'header',
    length,
    address: {
      source: { address: canonical(source), port: ports[0] },
      destination: { address: canonical(destination), port: ports[1] },
    },
  };
}

/** Without a zone, which means nothing on another machine. */
function isBareV6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

/** However the proxy writes an address, limits and logs see one form of it. */
function canonical(address: string): string {
  return isIPv4(address) ? address : formatV6(packV6(address));
}

function parseV2(bytes: Buffer): ProxyHeader {
  const version = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const size = bytes.readUInt16BE(14);
  if (version >> 4 !== 2) return { kind: 'invalid', reason: 'unknown PROXY version' };
  if (size > V2_MOST) return { kind: 'invalid', reason: 'PROXY header too long' };
  if (bytes.length < 16 + size) return { kind: 'incomplete' };
  const length = 16 + size;
  const command = version & 0x0f;
  if (command > 1) return { kind: 'invalid', reason: 'unknown PROXY command' };
  if (command === 0) return { kind: 'header', length, address: undefined };
  const body = bytes.subarray(16, length);
  if ((family === 0x11 && size < 12) || (family === 0x21 && size < 36)) {
    return { kind: 'invalid', reason: 'PROXY header without its addresses' };
  }
  if (family === 0x11) return { kind: 'header', length, address: addresses(body, 4, formatV4) };
  if (family === 0x21) return { kind: 'header', length, address: addresses(body, 16, formatV6) };
  // §2.2: a receiver that does not know the family takes the connection's own addresses.
  return { kind: 'header', length, address: undefined };
}

function addresses(body: Buffer, size: number, format: (bytes: Buffer) => string): ProxiedAddress {
  return {
    source: { address: format(body.subarray(0, size)), port: body.readUInt16BE(2 * size) },
    destination: { address: format(body.subarray(size, 2 * size)), port: body.readUInt16BE(2 * size + 2) },
  };
}

const formatV4 = (bytes: Buffer): string => bytes.join('.');

function formatV6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  // Mapped addresses are the client's IPv4 address; limits and logs must not count them twice.
  if (groups.slice(0, 5).every(group => group === '0') && groups[5] === 'ffff') return formatV4(bytes.subarray(12));
  return compressV6(groups);
}

/** RFC 5952 §4.2: the longest run of zero groups becomes `::`. */
function compressV6(groups: readonly string[]): string {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === '0') length += 1;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(':');
  return `${groups.slice(0, best.start).join(':')}::${groups.slice(best.start + best.length).join(':')}`;
}

/**
 * A version 2 header that tells an upstream whom it serves. Families are mixed to IPv6 when they differ. LOCAL, which tells nobody's
 * address, for a client of a unix socket and where there is no client (a probe).
 */
export function encodeProxyV2(client: ProxiedAddress | undefined): Buffer {
  if (!client || isIP(client.source.address) === 0 || isIP(client.destination.address) === 0) {
    return Buffer.concat([V2_SIGNATURE, Buffer.from([0x20, 0, 0, 0])]);
  }
  const { source, destination } = client;
  const v6 = isIPv6(source.address) || isIPv6(destination.address);
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(source.port, 0);
  ports.writeUInt16BE(destination.port, 2);
  const body = Buffer.concat([packAddress(source.address, v6), packAddress(destination.address, v6), ports]);
  const head = Buffer.alloc(4);
  head.writeUInt8(0x21, 0);
  head.writeUInt8(v6 ? 0x21 : 0x11, 1);
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([V2_SIGNATURE, head, body]);
}

function packAddress(address: string, v6: boolean): Buffer {
  if (isIPv6(address)) return packV6(address);
  const quad = Buffer.from(address.split('.').map(Number));
  return v6 ? Buffer.concat([Buffer.from('00000000000000000000ffff', 'hex'), quad]) : quad;
}

function packV6(address: string): Buffer {
  const [withoutZone = ''] = address.split('%');
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(withoutZone);
  const text = dotted
    ? `${dotted[1]}${[2, 4].map(at => (Number(dotted[at]) * 256 + Number(dotted[at + 1])).toString(16)).join(':')}`
    : withoutZone;
  const [left = '', right] = text.split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const missing = 8 - groups(left).length - groups(right).length;
  const all =
    right === undefined ? groups(left) : [...groups(left), ...Array<string>(missing).fill('0'), ...groups(right)];
  const packed = Buffer.alloc(16);
  all.forEach((group, index) => {
    packed.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return packed;
}
