import { BlockList, isIP } from 'node:net';

/**
 * A test for one address or one network in CIDR form; undefined when the text is neither. IPv4 addresses also match in their
 * IPv6-mapped form.
 */
export function addressMatcher(text: string): ((address: string) => boolean) | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const base = unmapped(address);
  const family = isIP(base);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || rest.length > 0 || !(prefix <= most)) return undefined;
  const list = new BlockList();
  list.addSubnet(base, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return candidate => {
    const plain = unmapped(candidate);
    const kind = isIP(plain);
    return kind === family && list.check(plain, kind === 4 ? 'ipv4' : 'ipv6');
  };
}

function unmapped(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}
