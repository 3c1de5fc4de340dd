import { z } from 'zod';
import { parseHostPort, type ServerAddress, serverText } from './address.ts';
import type { outsideValues } from './values.ts';

/** Keys of every outgoing connection, to directories and upstreams alike. Verification cannot be turned off. */
export function outgoingTls({ readable, keyPair }: ReturnType<typeof outsideValues>) {
  return {
    servers: z.array(serverText).min(1).describe('Servers in order of preference: "host" or "host:port".'),
    tls: z
      .enum(['implicit', 'starttls', 'none'])
      .default('implicit')
      .describe('How the connection is secured: TLS from the first byte, by StartTLS, or not at all.'),
    allow_plaintext: z
      .boolean()
      .default(false)
      .describe('Allows tls: none off loopback. Passwords then cross the network in clear.'),
    ca: readable("PEM file of trusted authorities; absent = the system's trust store.").optional(),
    pin: z
      .array(
        z
          .string()
          .meta({ title: 'public key pin' })
          .regex(/^sha256:[0-9A-Za-z+/]{43}=$/, {
            error: issue =>
              `"${String(issue.input)}" is not a pin; write "sha256:BASE64" of the public key (postern certs inspect prints it)`,
          }),
      )
      .default([])
      .describe(
        'Public keys (SHA-256 of the SubjectPublicKeyInfo) of which the server must show one, besides being verified.',
      ),
    server_name: z.string().min(1).optional().describe("Name to verify and send as SNI, if not the host's."),
    client_certificate: keyPair.optional().describe('Certificate to show to the server.'),
  };
}

/** Turns the texts of `servers` into addresses, with the default port of the way they are secured. */
export function resolveServers(ports: { implicit: number; plain: number }) {
  return <T extends { servers: string[]; tls: string }>(
    value: T,
  ): Omit<T, 'servers'> & { servers: ServerAddress[] } => ({
    ...value,
    servers: value.servers.map(text => {
      const fallback = value.tls === 'implicit' ? ports.implicit : ports.plain;
      return parseHostPort(text, fallback) ?? { host: text, port: fallback };
    }),
  });
}
