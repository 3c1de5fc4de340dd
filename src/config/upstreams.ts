import { z } from 'zod';
import { outgoingTls, resolveServers } from './outgoing-tls.ts';
import { duration } from './quantities.ts';
import type { outsideValues } from './values.ts';

const mechanism = z
  .enum(['auto', 'PLAIN', 'LOGIN'])
  .default('auto')
  .describe('How to log in there: SASL PLAIN, the LOGIN command, or auto: PLAIN where the server offers it.');
const name = (description: string) =>
  z
    .string()
    .min(1)
    .default('{login}')
    .describe(
      `${description} {login}, {local} and {domain} are replaced by what was typed, {name} and {mail} by what the directory says.`,
    );
const format = z
  .string()
  .regex(/\{user\}/, 'the format does not name {user}, the mail user; write for example "{user}*{master}"')
  .default('{user}*{master}')
  .describe('Login name made of {user}, the mail user, and {master}, the master user.');

/** The IMAP servers that connections are relayed to. */
export function upstreamSchema(values: ReturnType<typeof outsideValues>) {
  const login = z.discriminatedUnion('as', [
    z
      .strictObject({
        as: z.literal('user').describe("With the user's own password."),
        mechanism,
        name: name('Login name there.'),
      })
      .describe("With the user's own password."),
    z
      .strictObject({
        as: z.literal('master').describe('As a master user, whose name is joined with that of the mail user.'),
        name: name("The mail user's name there."),
        user: z.string().min(1).describe('Master user.'),
        password: values.secret('Password of the master user.'),
        format,
        mechanism,
      })
      .describe('As a master user, whose name is joined with that of the mail user.'),
    z
      .strictObject({
        as: z.literal('authzid').describe('As a user that may act for others (SASL PLAIN authorization identity).'),
        name: name("Authorization identity: the mail user's name there."),
        user: z.string().min(1).describe('User that may act for others.'),
        password: values.secret('Its password.'),
      })
      .describe('As a user that may act for others (SASL PLAIN authorization identity).'),
  ]);
  return z
    .strictObject({
      ...outgoingTls(values),
      login: login.describe('How to log in there on behalf of the user.').prefault({ as: 'user' }),
      pass_client_address: z
        .array(z.enum(['id', 'proxy-v2']))
        .default([])
        .describe("How the client's address is told: by ID (x-originating-ip ...), by a PROXY v2 header."),
      connect_timeout: duration('Time to connect, TLS included.').prefault('5s'),
      timeout: duration('Time for each answer during login.').prefault('20s'),
      retry: duration('How long a server that failed is passed over.').prefault('10s'),
      allow_unauthenticate: z
        .boolean()
        .default(false)
        .describe('Relays to servers that offer UNAUTHENTICATE, which lets clients log in again past the directory.'),
    })
    .transform(resolveServers({ implicit: 993, plain: 143 }));
}
