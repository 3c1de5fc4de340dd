import { isIP } from 'node:net';
import { z } from 'zod';
import { fault } from './fault.ts';

/** Where to listen or connect: a TCP endpoint or a unix socket. */
export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

/** A server named in the configuration, with the port it was given or the protocol's default. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Longest path of a unix socket (sun_path of Linux, less its final NUL). */
export const LONGEST_SOCKET_PATH = 107;

/** `host:port`, `[v6]:port`, `host`, `[v6]` or a bare v6 address. Undefined when it is none of these. */
export function parseHostPort(text: string, defaultPort?: number): ServerAddress | undefined {
  if (isIP(text) === 6) return defaultPort === undefined ? undefined : { host: text, port: defaultPort };
  const match = /^(?:\[([^\]]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (!match || host === undefined || (match[1] !== undefined && isIP(match[1]) !== 6)) return undefined;
  // Digits and dots are an address or a slip of the pen (a lone port, 10.0.0.256), never a name.
  if (/^[\d.]+$/.test(host) && isIP(host) !== 4) return undefined;
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  return port === undefined || port > 65535 ? undefined : { host, port };
}

/** `host:port`, or `unix:/path`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  if (text.startsWith('unix:/')) return { path: text.slice('unix:'.length) };
  return parseHostPort(text);
}

/** Whether bytes sent to this host stay on this machine (127.0.0.0/8, ::1, localhost). */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(host);
}

export function formatEndpoint(endpoint: Endpoint): string {
  if ('path' in endpoint) return `unix:${endpoint.path}`;
  return formatServer(endpoint);
}

export function formatServer({ host, port }: ServerAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address to listen on, as the schema sees it. */
export function endpoint(description: string) {
  return z
    .string()
    .meta({ description, title: 'address', examples: ['[::]:993', '127.0.0.1:1143', 'unix:/run/postern/imap.sock'] })
    .transform((text, context) => {
      const parsed = parseEndpoint(text);
      if (parsed && 'path' in parsed && Buffer.byteLength(parsed.path) > LONGEST_SOCKET_PATH) {
        fault(context, `the socket path is longer than ${LONGEST_SOCKET_PATH} bytes`, 'choose a shorter path');
        return z.NEVER;
      }
      if (parsed) return parsed;
      const port = /^(?:\*?:)?(\d{1,5})$/.exec(text)?.[1];
      const mend = port
        ? `write "[::]:${port}" for all addresses`
        : 'write "host:port", "[v6-address]:port" or "unix:/path"';
      fault(context, `"${text}" is not an address`, mend);
      return z.NEVER;
    });
}

/** A server to connect to, as text: its default port depends on how the connection is secured. */
export const serverText = z
  .string()
  .meta({ title: 'server', description: 'One server.', examples: ['mail.example.org', 'mail.example.org:1993'] })
  .superRefine((text, context) => {
    const parsed = parseHostPort(text, 1);
    if (parsed && parsed.port > 0) return;
    const url = /^(\w+):\/\/([^/]+)\/?$/.exec(text);
    const mend = url ? `write "${url[2]}"; "tls" says how the connection is secured` : 'write "host" or "host:port"';
    fault(context, `"${text}" is not a server`, mend);
  });

/** One network in CIDR form, or a single address. */
export function network(description: string) {
  return z
    .string()
    .meta({ description, title: 'network', examples: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] })
    .transform((text, context) => {
      const [address = '', bits, ...rest] = text.split('/');
      const family = isIP(address);
      const most = family === 4 ? 32 : 128;
      const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
      if (family !== 0 && rest.length === 0 && prefix <= most) {
        return { address, prefix, family: family === 4 ? ('ipv4' as const) : ('ipv6' as const) };
      }
      fault(context, `"${text}" is not a network`, 'write "10.0.0.0/8", "2001:db8::/32" or one address');
      return z.NEVER;
    });
}

export type Network = z.output<ReturnType<typeof network>>;
