import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { splitLogin } from '../../src/auth/login-name.ts';
import type { UpstreamConfig } from '../../src/config/schema.ts';
import { Capabilities } from '../../src/imap/capabilities.ts';
import { Channel } from '../../src/net/channel.ts';
import { Dialogue } from '../../src/upstream/dialogue.ts';
import { logInUpstream, type UpstreamIdentity, upstreamIdentity } from '../../src/upstream/login.ts';
import { MailServer, type Script, upstreamConfig } from './mail-server.ts';

type Login = UpstreamConfig['login'];

const MASTER: Login = {
  as: 'master',
  name: '{login}',
  user: 'postern',
  password: 'master-secret',
  format: '{user}*{master}',
  mechanism: 'auto',
};

describe('who logs in at an upstream', () => {
  const identity = (config: Login, principal: { name?: string; mail?: string } = {}, given = 'ada@example.org') =>
    upstreamIdentity(config, { name: principal.name ?? 'ada', mail: principal.mail }, splitLogin(given), 'own-secret');
  const asUser = (name: string): Login => ({ as: 'user', mechanism: 'auto', name });

  it.each([
    ['{login}', 'ada@example.org'],
    ['{local}', 'ada'],
    ['{domain}', 'example.org'],
    ['{name}', 'a.lovelace'],
    ['{mail}', 'ada.lovelace@example.org'],
    ['{local}@old.{domain}', 'ada@old.example.org'],
    ['{other}', '{other}'],
    ['fixed', 'fixed'],
  ])('by the name %s is %s', (name, login) => {
    const found = identity(asUser(name), { name: 'a.lovelace', mail: 'ada.lovelace@example.org' });
    expect(found).toEqual({ login, password: 'own-secret', authorize: '', user: login });
  });

  it('is the login where the directory has no mail address', () => {
    expect(identity(asUser('{mail}')).login).toBe('ada@example.org');
  });

  it('takes names as they are, whatever characters are in them', () => {
    const odd = '$&-$1-{login}-{user}';
    expect(identity(asUser('{name}'), { name: odd }).login).toBe(odd);
    expect(identity({ ...MASTER, name: '{name}' }, { name: odd }).login).toBe(`${odd}*postern`);
  });

  it('is a master user on behalf of the mail user', () => {
    expect(identity(MASTER)).toEqual({
      login: 'ada@example.org*postern',
      password: 'master-secret',
      authorize: '',
      user: 'ada@example.org',
    });
    expect(identity({ ...MASTER, name: '{local}', format: '{master}/{user}' }).login).toBe('postern/ada');
  });

  it('is one who may act for the mail user', () => {
    expect(identity({ as: 'authzid', name: '{local}', user: 'postern', password: 'its-secret' })).toEqual({
      login: 'postern',
      password: 'its-secret',
      authorize: 'ada',
      user: 'ada',
    });
  });
});

describe('a login', () => {
  const stands: { server: MailServer; channel: Channel }[] = [];
  afterEach(async () => {
    for (const { server, channel } of stands.splice(0)) {
      channel.destroy();
      await server.stop();
    }
  });

  async function dialogueWith(script: Script): Promise<Dialogue> {
    const server = await MailServer.start(script);
    const socket = connect({ ...server.address, allowHalfOpen: true });
    await once(socket, 'connect');
    const channel = Channel.over(socket);
    stands.push({ server, channel });
    const dialogue = new Dialogue(channel, 'mail.test:143', 5000);
    return dialogue;
  }

  const ADA: UpstreamIdentity = { login: 'ada', password: 'secret', authorize: '', user: 'ada' };
  const config = (login: Partial<Login> = {}) =>
    upstreamConfig([], { login: { as: 'user', mechanism: 'auto', name: '{login}', ...login } as Login });

  /** What a server with these capabilities is sent, when it takes everything. */
  async function sent(
    capabilities: string,
    {
      login = {},
      identity = {},
      id,
    }: { login?: Partial<Login>; identity?: Partial<UpstreamIdentity>; id?: Map<string, string> } = {},
  ): Promise<string[]> {
    const heard: string[] = [];
    const dialogue = await dialogueWith(async connection => {
      for (;;) {
        const line = await connection.readLine();
        const literal = /\{(\d+)(\+?)\}$/.exec(line);
        heard.push(line);
        if (literal && literal[2] === '') await connection.write('+ go on\r\n');
        if (literal) {
          heard.push(await connection.readBytes(Number(literal[1])));
          continue;
        }
        if (/ AUTHENTICATE PLAIN$/.test(line)) await connection.write('+ \r\n');
        else if (/^p1 ID/.test(line)) await connection.write('* ID NIL\r\np1 OK\r\n');
        else await connection.write(`${id && capabilities.includes('ID') ? 'p2' : 'p1'} OK done\r\n`);
      }
    });
    await logInUpstream(dialogue, Capabilities.parse(capabilities), config(login), { ...ADA, ...identity }, id);
    return heard;
  }

  const plain = (text: string) => Buffer.from(text).toString('base64');

  it.each([
    ['IMAP4rev1 AUTH=PLAIN SASL-IR', {}, [`p1 AUTHENTICATE PLAIN ${plain('\0ada\0secret')}`]],
    ['imap4rev1 auth=plain sasl-ir', {}, [`p1 AUTHENTICATE PLAIN ${plain('\0ada\0secret')}`]],
    ['IMAP4rev1 AUTH=PLAIN', {}, ['p1 AUTHENTICATE PLAIN', plain('\0ada\0secret')]],
    ['IMAP4rev1', {}, ['p1 LOGIN ada secret']],
    ['IMAP4rev1 AUTH=PLAIN SASL-IR', { mechanism: 'LOGIN' }, ['p1 LOGIN ada secret']],
    ['IMAP4rev1 AUTH=PLAIN SASL-IR LOGINDISABLED', {}, [`p1 AUTHENTICATE PLAIN ${plain('\0ada\0secret')}`]],
  ] as const)('with %s and %j sends %j', async (capabilities, login, lines) => {
    expect(await sent(capabilities, { login })).toEqual(lines);
  });

  it('says for whom it acts', async () => {
    const identity = { login: 'postern', authorize: 'ada' };
    expect(await sent('AUTH=PLAIN SASL-IR', { login: { as: 'authzid' }, identity })).toEqual([
      `p1 AUTHENTICATE PLAIN ${plain('ada\0postern\0secret')}`,
    ]);
  });

  it.each([
    ['a b', '"', ['p1 LOGIN "a b" "\\""']],
    ['NIL', '', ['p1 LOGIN "NIL" ""']],
    ['ada*postern', 'x', ['p1 LOGIN "ada*postern" x']],
    ['jürgen', 'x', ['p1 LOGIN {7}', 'j\xc3\xbcrgen', ' x']],
    ['ada', 'grün', ['p1 LOGIN ada {5}', 'gr\xc3\xbcn', '']],
  ])('quotes what needs it: %j, %j', async (login, password, lines) => {
    expect(await sent('IMAP4rev1', { identity: { login, password } })).toEqual(lines);
  });

  it.each([
    ['LITERAL+', '{5+}'],
    ['LITERAL-', '{5+}'],
    ['IDLE', '{5}'],
  ])('sends literals as %s allows', async (capability, head) => {
    const lines = await sent(`IMAP4rev1 ${capability}`, { identity: { password: 'grün' } });
    expect(lines[0]).toBe(`p1 LOGIN ada ${head}`);
  });

  it('tells who the client is ahead of it, where the server asks', async () => {
    const id = new Map([['x-originating-ip', '192.0.2.1']]);
    const [first, second] = await sent('AUTH=PLAIN SASL-IR ID', { id });
    expect(first).toBe('p1 ID ("x-originating-ip" "192.0.2.1")');
    expect(second).toMatch(/^p2 AUTHENTICATE/);
    expect(await sent('AUTH=PLAIN SASL-IR', { id })).toHaveLength(1);
  });

  it.each([
    ['IMAP4rev1 LOGINDISABLED', {}, 'offers neither AUTH=PLAIN nor LOGIN'],
    ['IMAP4rev1', { mechanism: 'PLAIN' }, 'does not offer PLAIN'],
    ['IMAP4rev1 AUTH=PLAIN LOGINDISABLED', { mechanism: 'LOGIN' }, 'does not offer LOGIN'],
    ['IMAP4rev1', { as: 'authzid' }, 'does not offer PLAIN'],
  ] as const)('sends nothing where there is no way: %s, %j', async (capabilities, login, message) => {
    await expect(sent(capabilities, { login })).rejects.toMatchObject({
      kind: 'misconfigured',
      message: expect.stringContaining(`mail.test:143 ${message}`),
      server: 'mail.test:143',
    });
  });

  it.each([
    ['p1 NO [AUTHENTICATIONFAILED] no', 'refused', true],
    ['p1 NO no', 'refused', true],
    ['p1 no', 'refused', true],
    ['p1 BAD what?', 'refused', true],
    ['p1 NO [EXPIRED] old password', 'refused', true],
    ['p1 NO [UNAVAILABLE] try later', 'unavailable', false],
    ['p1 NO [LIMIT] too many connections', 'unavailable', true],
    ['p1 NO [INUSE] locked', 'unavailable', true],
    ['p1 NO [inuse] locked', 'unavailable', true],
    ['p1 NO [SERVERBUG] oops', 'unavailable', true],
    ['p1 NO [CONTACTADMIN] ask', 'unavailable', true],
    ['p1 NO [PRIVACYREQUIRED] use TLS', 'misconfigured', false],
    ['* BYE [AUTHENTICATIONFAILED] too many failures', 'refused', true],
    ['* BYE too many failures', 'unavailable', true],
    ['* BYE [UNAVAILABLE] shutting down', 'unavailable', false],
  ])('answered %j is %s', async (answer, kind, onlyThisLogin) => {
    const dialogue = await dialogueWith(async connection => {
      await connection.readLine();
      await connection.write(`${answer}\r\n`);
    });
    const login = logInUpstream(dialogue, Capabilities.parse('IMAP4rev1'), config(), ADA, undefined);
    await expect(login).rejects.toMatchObject({ kind, onlyThisLogin, server: 'mail.test:143' });
    await expect(login).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  });
});
