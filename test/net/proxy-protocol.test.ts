import { describe, expect, it } from 'vitest';
import { encodeProxyV2, type ProxiedAddress, parseProxyHeader } from '../../src/net/proxy-protocol.ts';
import fc from '../support/fast-check.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

const at = (source: string, sourcePort: number, destination: string, destinationPort: number): ProxiedAddress => ({
  source: { address: source, port: sourcePort },
  destination: { address: destination, port: destinationPort },
});

/** A version 2 header of version-and-command, family-and-transport, and what follows. */
function v2(command: number, family: number, body: Buffer, size = body.length): Buffer {
  const head = Buffer.from([command, family, size >> 8, size & 0xff]);
  return Buffer.concat([SIGNATURE, head, body]);
}

const V4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0x03, 0xe1]);
const V6 = Buffer.from('20010db8000000000000000000000001fe8000000000000000000000000000ff303903e1', 'hex');
const MAPPED = Buffer.from('00000000000000000000ffffc000020100000000000000000000ffffc6336402303903e1', 'hex');
const TLV = Buffer.from([0x01, 0x00, 0x04, 0x69, 0x6d, 0x61, 0x70]);

describe('version 1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.2 12345 993\r\n', at('192.0.2.1', 12345, '198.51.100.2', 993)],
    [
      'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
      at('255.255.255.255', 65535, '255.255.255.255', 65535),
    ],
    ['PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n', at('0.0.0.0', 0, '0.0.0.0', 0)],
    ['PROXY TCP6 2001:db8::1 fe80::ff 1 2\r\n', at('2001:db8::1', 1, 'fe80::ff', 2)],
    ['PROXY TCP6 2001:0DB8:0:0:0:0:0:1 :: 1 2\r\n', at('2001:db8::1', 1, '::', 2)],
    ['PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c633:6402 1 2\r\n', at('192.0.2.1', 1, '198.51.100.2', 2)],
    [`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`, undefined],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', undefined],
  ])('reads %j', (line, address) => {
    const found = parseProxyHeader(Buffer.from(line));
    if (line.includes('UNKNOWN') || address) expect(found).toEqual({ kind: 'header', length: line.length, address });
    else expect(found).toMatchObject({ kind: 'header', length: line.length, address: { source: { port: 65535 } } });
  });

  it.each([
    'a LOGIN b c\r\n',
    'GET / HTTP/1.0\r\n',
    '\x16\x03\x01\x02\x00\x01',
    'proxy TCP4 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP4\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 2001:db8::2 1 2\r\n',
    'PROXY UNKNOWNS\r\n',
    `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
    'x'.repeat(200),
  ])('refuses %j', text => {
    expect(parseProxyHeader(Buffer.from(text, 'latin1')).kind).toBe('invalid');
  });

  it('takes the longest line that may be, and waits no longer', () => {
    const longest = `PROXY UNKNOWN ${'x'.repeat(107 - 16)}\r\n`;
    expect(parseProxyHeader(Buffer.from(longest))).toMatchObject({ kind: 'header', length: 107 });
    expect(parseProxyHeader(Buffer.from(longest.slice(0, 106)))).toEqual({ kind: 'incomplete' });
    expect(parseProxyHeader(Buffer.from(longest.replace('\r\n', 'xx')))).toMatchObject({ kind: 'invalid' });
  });
});

describe('version 2', () => {
  it.each([
    ['IPv4', v2(0x21, 0x11, V4), at('192.0.2.1', 12345, '198.51.100.2', 993)],
    ['IPv6', v2(0x21, 0x21, V6), at('2001:db8::1', 12345, 'fe80::ff', 993)],
    ['IPv4 in IPv6', v2(0x21, 0x21, MAPPED), at('192.0.2.1', 12345, '198.51.100.2', 993)],
    [
      'extensions after the addresses',
      v2(0x21, 0x11, Buffer.concat([V4, TLV])),
      at('192.0.2.1', 12345, '198.51.100.2', 993),
    ],
    ['LOCAL', v2(0x20, 0x00, Buffer.alloc(0)), undefined],
    ['LOCAL with addresses, which do not count', v2(0x20, 0x11, V4), undefined],
    ['an unspecified family', v2(0x21, 0x00, Buffer.alloc(0)), undefined],
    ['a unix socket', v2(0x21, 0x31, Buffer.alloc(216)), undefined],
    ['datagrams', v2(0x21, 0x12, V4), undefined],
  ])('reads %s', (_, bytes, address) => {
    expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('a NOOP\r\n')]))).toEqual({
      kind: 'header',
      length: bytes.length,
      address,
    });
  });

  it.each([
    ['version 1 in its place', v2(0x11, 0x11, V4)],
    ['version 3', v2(0x31, 0x11, V4)],
    ['an unknown command', v2(0x22, 0x11, V4)],
    ['IPv4 without its addresses', v2(0x21, 0x11, V4.subarray(0, 11))],
    ['IPv6 with addresses of IPv4', v2(0x21, 0x21, V4)],
    ['more than 4 KB', v2(0x21, 0x11, V4, 4097)],
    ['a signature that breaks off', Buffer.concat([SIGNATURE.subarray(0, 11), Buffer.from('x'.repeat(10))])],
  ])('refuses %s', (_, bytes) => {
    expect(parseProxyHeader(bytes).kind).toBe('invalid');
  });
});

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4().map(quad => `::ffff:${quad}`),
);
const port = fc.integer({ min: 0, max: 65535 });
const proxied = fc.record({
  source: fc.record({ address, port }),
  destination: fc.record({ address, port }),
});

/** One text for each address; the writer of URLs (WHATWG) compresses as RFC 5952 does. */
function canonical(text: string): string {
  if (!text.includes(':')) return text;
  const written = new URL(`http://[${text}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(written);
  if (!mapped) return written;
  return mapped
    .slice(1)
    .flatMap(group => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
    .join('.');
}

function canonically({ source, destination }: ProxiedAddress): ProxiedAddress {
  return at(canonical(source.address), source.port, canonical(destination.address), destination.port);
}

describe('any header', () => {
  it('comes out as it was written, both families and mixed', () => {
    fc.assert(
      fc.property(proxied, client => {
        const bytes = encodeProxyV2(client);
        expect(parseProxyHeader(bytes)).toEqual({
          kind: 'header',
          length: bytes.length,
          address: canonically(client),
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('is the same of version 1 as of version 2', () => {
    fc.assert(
      fc.property(proxied, ({ source, destination }) => {
        const v6 = [source, destination].map(end =>
          end.address.includes(':') ? end.address : `::ffff:${end.address}`,
        );
        const line = `PROXY TCP6 ${v6.join(' ')} ${source.port} ${destination.port}\r\n`;
        fc.pre(line.length <= 107);
        expect(parseProxyHeader(Buffer.from(line))).toMatchObject({ address: canonically({ source, destination }) });
      }),
      { numRuns: 500 },
    );
  });

  it('is not read before it is whole, and is the same whatever comes behind it', () => {
    const line = fc
      .tuple(fc.ipV4(), port, fc.ipV4(), port)
      .map(([from, fromPort, to, toPort]) => Buffer.from(`PROXY TCP4 ${from} ${to} ${fromPort} ${toPort}\r\n`));
    const header = fc.oneof(line, proxied.map(encodeProxyV2), fc.constant(encodeProxyV2(undefined)));
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 50 }), (bytes, behind) => {
        for (let length = 0; length < bytes.length; length += 1) {
          expect(parseProxyHeader(bytes.subarray(0, length))).toEqual({ kind: 'incomplete' });
        }
        const whole = parseProxyHeader(bytes);
        expect(whole).toMatchObject({ kind: 'header', length: bytes.length });
        expect(parseProxyHeader(Buffer.concat([bytes, behind]))).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });

  it('tells nobody where there is no client with an address', () => {
    const local = { kind: 'header', length: 16, address: undefined };
    expect(parseProxyHeader(encodeProxyV2(undefined))).toEqual(local);
    expect(parseProxyHeader(encodeProxyV2(at('', 0, '', 0)))).toEqual(local);
    expect(parseProxyHeader(encodeProxyV2(at('192.0.2.1', 1, '', 0)))).toEqual(local);
  });

  it('leaves out the zone of an address, which means nothing elsewhere', () => {
    expect(parseProxyHeader(encodeProxyV2(at('fe80::1%eth0', 1, 'fe80::2%2', 2)))).toMatchObject({
      address: at('fe80::1', 1, 'fe80::2', 2),
    });
  });

  it('is refused or awaited, never a failure, whatever the bytes', () => {
    const start = fc.constantFrom(Buffer.alloc(0), SIGNATURE, Buffer.from('PROXY '), Buffer.from('PROXY TCP4 '));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
        expect(['incomplete', 'header', 'invalid']).toContain(parseProxyHeader(Buffer.concat([head, tail])).kind);
      }),
      { numRuns: 1000 },
    );
  });
});
