import { z } from 'zod';
import type { FaultParams } from './fault.ts';

/** One value or a list of them, of which any may hold; a list once loaded. */
const anyOf = (description: string, change = (value: string) => value) =>
  z
    .union([z.string(), z.array(z.string()).min(1)])
    .meta({ description, title: 'text or list of texts' })
    .transform(value => (typeof value === 'string' ? [value] : value).map(change));

/** Domains compare without regard to case, and a leading @ is how people write them. */
const domainName = (value: string) => value.replace(/^@/, '').toLowerCase();

const when = z
  .strictObject({
    host: anyOf('Value of the host attribute; "*" = any.').optional(),
    domain: anyOf('Domain of the login.', domainName).optional(),
    group: anyOf('DN or name of a group.').optional(),
    attribute: z
      .record(z.string(), anyOf('Value; "*" = any.'))
      .refine(value => Object.keys(value).length > 0, {
        error: 'names no attribute',
        params: { mend: 'write attribute: { department: sales }' } satisfies FaultParams,
      })
      .optional()
      .describe('Attributes and their values; all must hold.'),
    user: anyOf('Login name.').optional(),
    listener: anyOf('Name or address of the listener.').optional(),
  })
  .refine(value => Object.values(value).some(part => part !== undefined), {
    error: '"when" names no condition',
    params: {
      mend: 'leave "when" out for a route that always matches, or write host, domain, group, attribute, user or listener',
      followsUnknownKey: true,
    } satisfies FaultParams,
  });

/** Where in the mailboxes of a user a store appears. */
const mount = z
  .strictObject({
    prefix: z
      .string()
      .default('')
      .refine(prefix => prefix === '', {
        error: 'mailboxes below a prefix are not part of this version',
        params: { mend: 'write prefix: ""' } satisfies FaultParams,
      })
      .describe('Where its mailboxes appear; "" = at the root.'),
    store: z.string().min(1).describe('Store that has the mailboxes, by its name under "stores".'),
  })
  .describe('A store and where its mailboxes appear.');

const WAYS = ['relay', 'store', 'mounts', 'refuse'] as const;

/** One rule of where users go. */
export const routeSchema = z
  .strictObject({
    when: when
      .optional()
      .describe('Conditions, all of which must hold; each may be a list, of which any may. Absent = always.'),
    relay: z
      .string()
      .optional()
      .describe('Upstream to relay to, or "{host}": the one named by the user\'s host attribute.'),
    store: z
      .string()
      .min(1)
      .optional()
      .describe('Store whose mailboxes are served; short for mounts: [{ prefix: "", store: NAME }].'),
    mounts: z
      .array(mount)
      .min(1)
      .refine(mounts => mounts.length <= 1, {
        error: 'more than one mount is not part of this version',
        params: { mend: 'write one: mounts: [{ prefix: "", store: local }]' } satisfies FaultParams,
      })
      .optional()
      .describe('Stores whose mailboxes are served.'),
    refuse: z.string().min(1).optional().describe('Text for users who may not log in here.'),
  })
  .refine(route => WAYS.filter(way => route[way] !== undefined).length === 1, {
    error: 'a route must say exactly one of relay, store, mounts and refuse',
    params: {
      mend: 'write relay: UPSTREAM, store: local, or refuse: "text for the user"',
      followsUnknownKey: true,
    } satisfies FaultParams,
  })
  .transform(({ store, mounts, ...route }) => {
    const served = store === undefined ? mounts : [{ prefix: '', store }];
    return { ...route, ...(served && { mounts: served }) };
  });
