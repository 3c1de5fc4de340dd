import { isIP } from 'node:net';

/**
 * Whom an address stands for: an IPv4 address itself (also when written as ::ffff:a.b.c.d), an IPv6 address its /64, since one
 * subscriber has at least that many. Undefined for what is no address, such as the peer of a unix socket.
 */
export function addressKey(address: string): string | undefined {
  const bare = unmapped(address);
  const family = isIP(bare);
  if (family === 4) return bare;
  return family === 6 ? `${groups(bare).slice(0, 4).join(':')}::/64` : undefined;
}

/** The network an address is in, for judging many addresses together: its /24, or its /48 (what a site has). Undefined as above. */
export function networkKey(address: string): string | undefined {
  const bare = unmapped(address);
  const family = isIP(bare);
  if (family === 4) return `${bare.split('.').slice(0, 3).join('.')}.0/24`;
  return family === 6 ? `${groups(bare).slice(0, 3).join(':')}::/48` : undefined;
}

/** The IPv4 address inside ::ffff:a.b.c.d; any other text as it is, without a zone (`%eth0`). */
export function unmapped(address: string): string {
  const bare = address.replace(/%.*$/, '');
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare;
}

/** The eight groups of a valid IPv6 address without leading zeros, in lower case; a dotted tail counts as two, unread. */
function groups(address: string): string[] {
  const [head = '', tail] = address
    .toLowerCase()
    .replace(/\d+\.\d+\.\d+\.\d+$/, '0:0')
    .split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].map(group => group.replace(/^0+(?=.)/, ''));
}
