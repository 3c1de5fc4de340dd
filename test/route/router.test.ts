import { describe, expect, it } from 'vitest';
import { DecisionRecord } from '../../src/auth/decision-record.ts';
import type { DirectoryUser } from '../../src/auth/principal.ts';
import type { RouteConfig, UpstreamConfig } from '../../src/config/schema.ts';
import { MailError } from '../../src/mail/mail-error.ts';
import { Router } from '../../src/route/router.ts';

function upstream(...hosts: string[]): UpstreamConfig {
  return {
    servers: hosts.map(host => ({ host, port: 993 })),
    tls: 'implicit',
    allow_plaintext: false,
    pin: [],
    login: { as: 'user', mechanism: 'auto', name: '{login}' },
    pass_client_address: [],
    connect_timeout: 5000,
    timeout: 20_000,
    retry: 10_000,
    allow_unauthenticate: false,
  };
}

const UPSTREAMS = {
  legacy: upstream('old1.example.org', 'old2.example.org'),
  modern: upstream('new.example.org', 'shared.example.org'),
  Third: upstream('third.example.org', 'shared.example.org', 'legacy'),
};

const USER: DirectoryUser & { login: string } = {
  directory: 'corp',
  id: '1',
  name: 'alice',
  login: 'alice@example.org',
  mail: 'alice@example.org',
  host: 'old1.example.org',
  groups: ['CN=Mail,OU=Groups,DC=example,DC=org'],
  attributes: new Map([
    ['department', ['Sales', 'Support']],
    ['empty', ['']],
  ]),
  entry: 'uid=alice,dc=example,dc=org',
};

function routed(routes: readonly RouteConfig[], user: Partial<typeof USER> = {}, listener = 'imaps') {
  const record = new DecisionRecord();
  const context = { listener, listenerAddress: '[::]:993' };
  const router = new Router({ routes: [...routes], upstreams: UPSTREAMS });
  try {
    const route = router.route({ ...USER, ...user }, context, record);
    return { route, steps: record.steps };
  } catch (error) {
    if (!(error instanceof MailError)) throw error;
    return { refused: error.kind, detail: error.message, steps: record.steps };
  }
}

const LAST: RouteConfig = { refuse: 'Call the help desk.' };

describe('a condition', () => {
  it.each<[RouteConfig['when'], boolean, Partial<typeof USER>?]>([
    [undefined, true],
    [{ host: ['OLD1.example.org'] }, true],
    [{ host: ['old2.example.org', 'old1.example.org'] }, true],
    [{ host: ['old2.example.org'] }, false],
    [{ host: ['*'] }, true],
    [{ host: ['*'] }, false, { host: undefined }],
    [{ host: ['*'] }, false, { host: '' }],
    [{ host: ['old1.example.org'] }, false, { host: undefined }],
    [{ domain: ['Example.ORG'] }, true],
    [{ domain: ['ample.org'] }, false],
    [{ domain: ['example.org'] }, false, { login: 'alice' }],
    [{ domain: [''] }, false, { login: 'alice' }],
    [{ domain: ['*'] }, false],
    [{ group: ['cn=mail, ou=groups, dc=example, dc=org'] }, true],
    [{ group: ['mail'] }, true],
    [{ group: ['cn=mail,ou=other,dc=example,dc=org'] }, false],
    [{ group: ['staff', 'MAIL'] }, true],
    [{ group: ['mail'] }, false, { groups: [] }],
    [{ attribute: { Department: ['support'] } }, true],
    [{ attribute: { department: ['*'] } }, true],
    [{ attribute: { department: ['sale'] } }, false],
    [{ attribute: { empty: ['*'] } }, false],
    [{ attribute: { city: ['*'] } }, false],
    [{ attribute: { department: ['sales'], city: ['*'] } }, false],
    [{ user: ['ALICE'] }, true],
    [{ user: ['alice@example.org'] }, true],
    [{ user: ['*'] }, false],
    [{ user: ['bob'] }, false],
    [{ listener: ['IMAPS'] }, true],
    [{ listener: ['[::]:993'] }, true],
    [{ listener: ['imap'] }, false],
    [{ host: ['*'], domain: ['example.org'], group: ['mail'], user: ['alice'], listener: ['imaps'] }, true],
    [{ host: ['*'], domain: ['example.org'], group: ['staff'], user: ['alice'], listener: ['imaps'] }, false],
  ])('%j: %s', (when, holds, user) => {
    const { route } = routed([{ ...(when ? { when } : {}), relay: 'legacy' }, LAST], user);
    expect(route).toEqual(
      holds ? { mode: 'relay', upstream: 'legacy', rule: 0 } : { mode: 'refuse', text: 'Call the help desk.', rule: 1 },
    );
  });
});

it('serves from the stores that a rule mounts', () => {
  const mounts = [{ prefix: '', store: 'local' }];
  const { route, steps } = routed([{ when: { group: ['mail'] }, mounts }, LAST]);
  expect(route).toEqual({ mode: 'serve', mounts, rule: 0 });
  expect(steps.at(-1)?.detail).toMatch(/^routes\[0\]: in mail: served from local$/);
});

describe('{host}', () => {
  it.each([
    ['old1.example.org', 'legacy'],
    ['OLD2.Example.org', 'legacy'],
    ['old1.example.org.', 'legacy'],
    ['old1.example.org:993', 'legacy'],
    ['modern', 'modern'],
    ['third', 'Third'],
    // A key comes before the server of another upstream that bears its name.
    ['legacy', 'legacy'],
  ])('names %s by its key or a server: %s', (host, expected) => {
    expect(routed([{ relay: '{host}' }], { host }).route).toEqual({ mode: 'relay', upstream: expected, rule: 0 });
  });

  it.each([
    ['elsewhere.example.org', /"elsewhere.example.org" names no upstream/],
    ['shared.example.org', /several upstreams: modern, Third/],
    ['old1.example.org:143', /names no upstream/],
    ['__proto__', /names no upstream/],
    ['', /has no host attribute/],
    [undefined, /has no host attribute/],
  ])('that is %j is refused, and no other rule tried', (host, message) => {
    const { refused, detail } = routed([{ relay: '{host}' }, { relay: 'legacy' }], { host });
    expect(refused).toBe('contact-admin');
    expect(detail).toMatch(message);
  });
});

describe('rules', () => {
  it('are tried in order, and each leaves its reason', () => {
    const { route, steps } = routed(
      [
        { when: { host: ['new.example.org'] }, relay: 'modern' },
        { when: { group: ['staff'], user: ['alice'] }, refuse: 'No.' },
        { when: { attribute: { city: ['*'] } }, relay: 'modern' },
        { when: { user: ['alice'], group: ['mail'] }, relay: 'legacy' },
        { relay: 'modern' },
      ],
      {},
    );
    expect(route).toMatchObject({ upstream: 'legacy', rule: 3 });
    expect(steps).toEqual([
      { stage: 'route', outcome: 'skip', detail: 'routes[0]: host is old1.example.org' },
      { stage: 'route', outcome: 'skip', detail: 'routes[1]: not in staff' },
      { stage: 'route', outcome: 'skip', detail: 'routes[2]: no attribute city' },
      { stage: 'route', outcome: 'ok', detail: 'routes[3]: in mail, user is alice: relay to legacy' },
    ]);
  });

  it('of which none matches refuse', () => {
    const { refused, detail, steps } = routed([{ when: { user: ['bob'] }, relay: 'legacy' }]);
    expect([refused, detail]).toEqual(['contact-admin', 'no route matches']);
    expect(steps.at(-1)).toEqual({ stage: 'route', outcome: 'fail', detail: 'no route matches' });
  });

  it.each([
    [{ relay: 'gone' }, /no upstream "gone"/],
    [{ relay: 'toString' }, /no upstream "toString"/],
    [{ relay: 'legacy', when: {} }, undefined],
    [{}, /neither relays, serves nor refuses/],
  ] as const)('%j: %s', (route, message) => {
    const build = () => new Router({ routes: [route], upstreams: UPSTREAMS });
    if (message) expect(build).toThrow(message);
    else expect(build).not.toThrow();
  });
});
