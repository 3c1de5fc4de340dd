import { z } from 'zod';
import { network } from './address.ts';
import { duration } from './quantities.ts';

const throttle = z
  .strictObject({
    delay: duration(
      'Least time a refused login takes to be answered; the same for every reason.',
      'zero allowed',
    ).prefault('500ms'),
    growth: z
      .number()
      .min(1)
      .default(2)
      .describe('Factor by which the delay grows with each further failure of the address or the login.'),
    maximum: duration('Longest delay.', 'zero allowed').prefault('15s'),
    forget: duration('Time without failure after which an address or login starts afresh.').prefault('10m'),
    free: z.int().nonnegative().default(3).describe('Failures that cost no more than the least delay.'),
    refuse: z
      .int()
      .nonnegative()
      .default(100)
      .describe(
        'Failures of an address (an IPv6 /64; four times as many of a /48) after which it is refused unheard, until "forget" has passed without a further one. Logins proven from there before are heard. 0 = never.',
      ),
    exempt: z
      .array(network("An address that is never delayed for others' failures, such as webmail."))
      .prefault([])
      .describe("Addresses that are never delayed for others' failures, such as webmail."),
  })
  .describe('What failed logins cost.')
  .prefault({});

const login = z
  .strictObject({
    default_domain: z
      .string()
      .regex(/^[^@\s]+$/, {
        error: issue => `"${String(issue.input)}" is not a domain; write it without "@", such as example.org`,
      })
      .optional()
      .describe('Added to logins without a domain.'),
    case: z.enum(['lower', 'keep']).default('lower').describe('lower: ALICE and alice are one login. keep: as typed.'),
    strip_domain: z
      .boolean()
      .default(false)
      .describe('Removes the default domain (all domains, if there is no default).'),
  })
  .describe('How what was typed becomes the login that directories are asked for.')
  .prefault({});

const cache = z
  .strictObject({
    ttl: duration(
      'How long a proven login is trusted without asking the directory. 0 = never.',
      'zero allowed',
    ).prefault('5m'),
    outage: duration(
      'How long a proven login is trusted while no directory answers. 0 = never.',
      'zero allowed',
    ).prefault(0),
    size: z.int().positive().default(20_000).describe('Most logins remembered.'),
  })
  .describe('Memory of proven logins. A new password works at once; an old one stops within ttl.')
  .prefault({});

const shield = z
  .strictObject({
    remember: duration(
      'How long a refused password is remembered; it is refused here when it comes again, and the directory is not asked. Then it is, since the password may have become the right one. 0 = no shield at all.',
      'zero allowed',
    ).prefault('24h'),
    entries: z.int().positive().default(100_000).describe('Most refused passwords remembered, about 100 bytes each.'),
    budget: z
      .strictObject({
        tries: z
          .int()
          .positive()
          .describe(
            "Different wrong passwords of one login that may reach a directory; write less than the directory's lock-out threshold. Of three or more, the last is kept for addresses where the login was proven before.",
          ),
        within: duration(
          "Time after the last of them until there are as many again; no less than the directory's observation window.",
        ).prefault('30m'),
      })
      .optional()
      .describe(
        'What guesses may cost the directory. Beyond it, also the right password is refused, unless it was proven lately, since nobody can tell it from a guess without asking. Absent = no limit: for directories that do not lock accounts.',
      ),
  })
  .describe('Keeps wrong passwords that are tried again and again (a forgotten phone) from locking accounts.')
  .prefault({});

const suspicion = z
  .strictObject({
    logins: z
      .int()
      .nonnegative()
      .default(20)
      .describe(
        'Different logins refused from one network (IPv4 /24, IPv6 /48) that are an event in the audit log: password-spraying when they share few passwords, credential-stuffing when they do not. 0 = never.',
      ),
    within: duration('Time in which they are counted.').prefault('10m'),
    new_networks: z
      .boolean()
      .default(true)
      .describe("Whether a login's first use from a network is an event (new-network)."),
  })
  .describe('What is told of as suspicious.')
  .prefault({});

const onSuspicion = z
  .strictObject({
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .describe('Program and arguments; no shell. The event comes as a line of JSON on its standard input.'),
    webhook: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Address that the event is posted to, as JSON.'),
  })
  .describe('Who is told of suspicious events besides the audit log. Nothing waits for it; ten seconds each.');

const appPasswords = z
  .strictObject({
    required_for: z
      .strictObject({
        groups: z
          .array(z.string().min(1))
          .default([])
          .describe("Groups whose members' own passwords are refused, so that they never live on phones."),
      })
      .describe('Who must use one.')
      .prefault({}),
  })
  .describe(
    'Passwords for single devices, made with "postern app-password" and kept below server.data. Absent = none are taken; {} = whoever has one may use it.',
  );

/** SASL mechanisms that can be offered. */
export const MECHANISMS = [
  'PLAIN',
  'LOGIN',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
] as const;

/** Who may log in, and how. */
export const authenticationSchema = z
  .strictObject({
    directories: z
      .array(z.string())
      .min(1)
      .describe('Names of directories, asked in order; falls through on "unknown user" only.'),
    mechanisms: z
      .array(z.enum(MECHANISMS))
      .min(1)
      .default(['PLAIN', 'LOGIN'])
      .describe(
        'SASL mechanisms offered. The LOGIN command goes with LOGIN or PLAIN. SCRAM needs verifiers: users.attributes.scram, scram: in a file of users, or app passwords; -PLUS is offered under TLS only.',
      ),
    login,
    require: z
      .strictObject({
        groups: z.array(z.string().min(1)).default([]).describe('Groups of which one must hold to use IMAP at all.'),
      })
      .describe('What users must have besides the right password.')
      .prefault({}),
    disclose: z
      .enum(['none', 'after-password', 'all'])
      .default('none')
      .describe(
        'What a refused client is told. none: nothing. after-password: whoever gave the right password is told that it has expired ([EXPIRED]) or that the account is disabled, expired or locked ([CONTACTADMIN]). all: also whoever did not, which tells guessers which accounts exist. The log always has the reason.',
      ),
    app_passwords: appPasswords.optional(),
    cache,
    shield,
    recheck: duration(
      'How often sessions are checked against the directory; those of users gone meanwhile are ended. 0 = never.',
      'zero allowed',
    ).prefault('15m'),
    throttle,
    suspicion,
    on_suspicion: onSuspicion.optional(),
  })
  .describe('Who may log in, and how.');
