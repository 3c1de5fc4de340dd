import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { NO_RECORD } from '../../src/auth/decision-record.ts';
import { AuthError, type AuthErrorKind } from '../../src/auth/directory.ts';
import type { Principal } from '../../src/auth/principal.ts';
import { Capabilities } from '../../src/imap/capabilities.ts';
import { MailError, type MailErrorKind } from '../../src/mail/mail-error.ts';
import { Channel } from '../../src/net/channel.ts';
import type { Route } from '../../src/route/route.ts';
import { Gate, type GateRequest } from '../../src/session/gate.ts';
import type { LoginReport } from '../../src/session/login-report.ts';
import type { UpstreamRequest } from '../../src/upstream/upstream.ts';
import { UpstreamError, type UpstreamErrorKind } from '../../src/upstream/upstream-error.ts';
import { ADA } from './session-stand.ts';

const REQUEST: GateRequest = {
  login: 'Ada@example.org',
  password: 'secret',
  mechanism: 'PLAIN',
  authorize: '',
  address: '192.0.2.1',
  listener: 'imaps',
  secure: true,
  session: 'session-1',
  client: { source: { address: '192.0.2.1', port: 1 }, destination: { address: '192.0.2.2', port: 993 } },
};

interface Stand {
  readonly authenticate?: () => Promise<Principal>;
  readonly route?: Route;
  /** Password used at the upstream; the user's own by default. */
  readonly password?: string;
  readonly open?: () => Promise<never>;
  readonly known?: boolean;
}

/** One login through a gate, and everything that came of it. */
async function attempt(stand: Stand, request: Partial<GateRequest> = {}, claim = (_: Principal): void => {}) {
  const report: LoginReport = {};
  const opened: UpstreamRequest[] = [];
  const session = {
    channel: Channel.over(new Socket()),
    server: 'mail.test:143',
    capabilities: Capabilities.parse('IMAP4rev1'),
    alerts: [],
    rest: [],
  };
  const gate = new Gate({
    authenticator: { authenticate: stand.authenticate ?? (async () => ADA) },
    router: { route: () => stand.route ?? { mode: 'relay', upstream: 'mail', rule: 3 } },
    upstream: name =>
      name === 'mail' && stand.known !== false
        ? {
            identity: (principal, password) => ({
              login: `${principal.login}*master`,
              password: stand.password ?? password,
              authorize: '',
              user: principal.login,
            }),
            open: async asked => {
              opened.push(asked);
              return stand.open ? await stand.open() : session;
            },
          }
        : undefined,
    asUpstreamError: error => (error instanceof UpstreamError ? error : undefined),
    serve: () => Promise.reject(new Error('no store')),
  });
  const signal = new AbortController().signal;
  const outcome = await gate.open({ ...REQUEST, ...request }, report, NO_RECORD, claim, signal).then(
    admitted => ({ admitted, error: undefined }),
    (error: unknown) => ({ admitted: undefined, error }),
  );
  return { ...outcome, report, opened };
}

describe('the gate', () => {
  it('reports which server of the directory proved the password, unless it was proven before', async () => {
    const by = async (proof: Principal['proof']) => {
      const { report } = await attempt({ authenticate: async () => ({ ...ADA, proof, answeredBy: 'ldap1:636' }) });
      return report.directoryServer;
    };
    expect(await by('directory')).toBe('ldap1:636');
    expect(await by('cache')).toBeUndefined();
  });

  it('lets no app password out to an upstream, which does not know it', async () => {
    const appPassword = { id: 'abcdefgh', name: 'phone' };
    const authenticate = async (): Promise<Principal> => ({ ...ADA, proof: 'app-password', appPassword });
    const refused = await attempt({ authenticate });
    expect(refused.error).toMatchObject({
      kind: 'authorization-failed',
      answer: expect.stringMatching(/App passwords do not work for this mailbox/),
    });
    expect(refused.opened).toEqual([]);
    expect(refused.report).toMatchObject({ outcome: 'not-authorized', appPassword: 'abcdefgh (phone)' });
    const byMaster = await attempt({ authenticate, password: 'master-secret' });
    expect(byMaster.opened).toHaveLength(1);
    expect(byMaster.report).toMatchObject({ proof: 'app-password', appPassword: 'abcdefgh (phone)' });
  });

  it('relays nobody who must log in there with a password that was not shown', async () => {
    const byScram = { mechanism: 'SCRAM-SHA-256', password: undefined };
    const refused = await attempt({}, byScram);
    expect(refused.error).toMatchObject({
      kind: 'authorization-failed',
      message: expect.stringMatching(/SCRAM-SHA-256 leaves no password for upstream mail/),
      answer: expect.stringMatching(/choose plain passwords/),
    });
    expect(refused.opened).toEqual([]);
    expect(refused.report.outcome).toBe('not-authorized');
    expect((await attempt({ password: 'master-secret' }, byScram)).opened).toHaveLength(1);
  });

  it('leads from a password to an open mailbox, and reports the way', async () => {
    const claimed: string[] = [];
    const { admitted, report, opened } = await attempt({}, {}, ({ login }) => claimed.push(login));
    expect(admitted).toMatchObject({ principal: ADA, upstream: 'mail', session: { server: 'mail.test:143' } });
    expect(claimed).toEqual(['ada']);
    expect(opened).toEqual([
      {
        identity: { login: 'ada*master', password: 'secret', authorize: '', user: 'ada' },
        client: REQUEST.client,
        session: 'session-1',
      },
    ]);
    expect(report).toEqual({
      login: 'ada',
      account: ADA.account,
      directory: 'corp',
      proof: 'directory',
      rule: 3,
      upstream: 'mail',
      upstreamLogin: 'ada',
      server: 'mail.test:143',
    });
  });

  it.each(['ada', 'ADA', 'Ada@example.org', 'ada@EXAMPLE.org', ''])('lets one act as oneself: %j', async authorize => {
    expect((await attempt({}, { authorize })).admitted).toBeDefined();
  });

  it.each(['root', 'adam', 'ad', 'ada '])('lets nobody act for another: %j', async authorize => {
    const { error, report, opened } = await attempt({}, { authorize });
    expect(error).toMatchObject({ kind: 'authorization-failed' });
    expect(report).toMatchObject({ outcome: 'not-authorized', login: 'ada' });
    expect(opened).toEqual([]);
  });

  it('opens nothing for one whose claim is refused', async () => {
    const { error, report, opened } = await attempt({}, {}, () => {
      throw new MailError('limit', 'more than 2 sessions');
    });
    expect(error).toMatchObject({ kind: 'limit' });
    expect(report).toMatchObject({ outcome: 'limit', detail: 'more than 2 sessions' });
    expect(opened).toEqual([]);
  });

  it('says what the administrator wrote to those who are refused by a route', async () => {
    const route: Route = { mode: 'refuse', text: 'Call the help desk.', rule: 4 };
    const { error, report, opened } = await attempt({ route });
    expect(error).toMatchObject({ kind: 'contact-admin', answer: 'Call the help desk.' });
    expect(report).toMatchObject({ outcome: 'no-route', rule: 4 });
    expect(opened).toEqual([]);
  });

  it.each<[AuthErrorKind, MailErrorKind]>([
    ['unknown-user', 'authentication-failed'],
    ['bad-password', 'authentication-failed'],
    ['unavailable', 'unavailable'],
    ['untrusted', 'unavailable'],
  ])('reports the true reason of a login refused: %s', async (cause, kind) => {
    const authenticate = () => Promise.reject(new MailError(kind, 'why', { cause: new AuthError(cause, 'why') }));
    const { error, report } = await attempt({ authenticate });
    expect(error).toMatchObject({ kind });
    expect(report).toEqual({ outcome: cause, detail: 'why' });
  });

  it.each<[UpstreamErrorKind, string | undefined, MailErrorKind, string]>([
    ['unavailable', undefined, 'unavailable', 'upstream-unavailable'],
    ['untrusted', undefined, 'unavailable', 'upstream-untrusted'],
    ['misconfigured', undefined, 'unavailable', 'upstream-unavailable'],
    // A user can type another password; a master user's is the administrator's to mend.
    ['refused', undefined, 'authentication-failed', 'upstream-refused'],
    ['refused', 'master-secret', 'contact-admin', 'upstream-refused'],
  ])('answers an upstream that is %s (password: %s) with %s', async (cause, password, kind, outcome) => {
    const { error, report } = await attempt({
      ...(password === undefined ? {} : { password }),
      open: () => Promise.reject(new UpstreamError(cause, 'mail.test:143 said no', { server: 'mail.test:143' })),
    });
    expect(error).toMatchObject({ kind, message: 'mail.test:143 said no', answer: undefined });
    expect(report).toMatchObject({
      outcome,
      detail: 'mail.test:143 said no',
      server: 'mail.test:143',
      upstream: 'mail',
    });
  });

  it('leaves alone what is a bug', async () => {
    const bug = new Error('a bug');
    expect(await attempt({ open: () => Promise.reject(bug) })).toMatchObject({ error: bug });
    expect(await attempt({ authenticate: () => Promise.reject(bug) })).toMatchObject({ error: bug, report: {} });
    expect((await attempt({ known: false })).error).toMatchObject({ message: expect.stringContaining('mail') });
  });
});
