import { z } from 'zod';
import { endpoint, network } from './address.ts';
import { MECHANISMS } from './authentication.ts';
import { duration, size } from './quantities.ts';

/** One place where clients connect. */
export const listenerSchema = z.strictObject({
  address: endpoint('Where to listen: "host:port", "[v6]:port" or "unix:/path".'),
  tls: z
    .enum(['implicit', 'starttls', 'none'])
    .describe('implicit: TLS from the first byte. starttls: no login before STARTTLS. none: no TLS.'),
  name: z
    .string()
    .min(1)
    .optional()
    .describe('Name for routes (when: { listener: NAME }), logs and metrics; absent = the address.'),
  allow_plaintext: z
    .boolean()
    .default(false)
    .describe('Allows tls: none off loopback. Passwords then cross the network in clear.'),
  mechanisms: z
    .array(z.enum(MECHANISMS))
    .min(1)
    .optional()
    .describe('SASL mechanisms offered here; absent = authentication.mechanisms.'),
  proxy_protocol: z
    .strictObject({
      from: z.array(network('A trusted load balancer.')).min(1).describe('Addresses of trusted load balancers.'),
    })
    .optional()
    .describe('PROXY protocol v1 and v2: required from these addresses, refused from all others.'),
});

/** What one client, or all of them, may use up. */
export const limitsSchema = z
  .strictObject({
    connections: z.int().positive().default(20_000).describe('Open client connections in all.'),
    per_address: z
      .int()
      .positive()
      .default(200)
      .describe('Open connections from one address (an IPv6 /64 counts as one).'),
    per_login: z.int().positive().default(50).describe('Logged-in sessions of one account.'),
    handshake: duration('Time for the PROXY header and the TLS handshake.').prefault('15s'),
    authenticate: duration('Time from connection to login.').prefault('1m'),
    idle: duration(
      'Silence after which a served session is logged out. Relayed sessions: the upstream decides, TCP keepalive finds dead peers.',
    ).prefault('30m'),
    line: size('Longest command line, literals apart.').prefault('64k'),
    literal: size(
      'Longest message that may be appended to a served mailbox. Other literals after login: 64k at most.',
    ).prefault('100m'),
    literal_before_login: size('Longest literal before login.').prefault('8k'),
    nesting: z.int().positive().default(50).describe('Deepest nesting of parentheses.'),
    bad_commands: z.int().positive().default(20).describe('Malformed commands after which the connection is closed.'),
    drain: duration(
      'Time that open sessions get to end after SIGTERM before they are told BYE.',
      'zero allowed',
    ).prefault('5s'),
  })
  .describe('What one client, or all of them, may use up.');
