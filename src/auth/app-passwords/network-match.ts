import { BlockList, isIP } from 'node:net';
import { unmapped } from '../../config/address-key.ts';

/** A test for an address or a network in CIDR form; undefined when the text is neither. */
export function networkMatcher(text: string): ((address: string) => boolean) | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (family === 0 || rest.length > 0 || !(prefix <= most)) return undefined;
  const list = new BlockList();
  list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return candidate => {
    const plain = unmapped(candidate);
    return isIP(plain) === family && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  };
}
