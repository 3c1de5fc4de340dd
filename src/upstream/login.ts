import type { LoginName } from '../auth/directory.ts';
import type { Principal } from '../auth/principal.ts';
import type { UpstreamConfig } from '../config/schema.ts';
import type { Capabilities } from '../imap/capabilities.ts';
import { encodeId, type IdParameters } from '../imap/id.ts';
import { encodeBase64 } from '../wire/base64.ts';
import { Encoder, type LiteralMode } from '../wire/encoder.ts';
import { type CommandResult, type Dialogue, tagged } from './dialogue.ts';
import type { Response } from './response.ts';
import { UpstreamError } from './upstream-error.ts';

/** Who logs in at the upstream, and by what. */
export interface UpstreamIdentity {
  /** Login name. */
  readonly login: string;
  readonly password: string;
  /** Authorization identity; empty = as `login`. */
  readonly authorize: string;
  /** The mail user's name there, for the log. */
  readonly user: string;
}

/** How a principal logs in at an upstream (DESIGN: `login:` of an upstream). */
export function upstreamIdentity(
  config: UpstreamConfig['login'],
  principal: Pick<Principal, 'name' | 'mail'>,
  login: LoginName,
  password: string,
): UpstreamIdentity {
  const user = config.name.replace(/\{(login|local|domain|name|mail)\}/g, (_all, key: string) => {
    switch (key) {
      case 'local':
        return login.local;
      case 'domain':
        return login.domain;
      case 'name':
        return principal.name;
      case 'mail':
        return principal.mail ?? login.login;
      default:
        return login.login;
    }
  });
  switch (config.as) {
    case 'user':
      return { login: user, password, authorize: '', user };
    case 'master': {
      const combined = config.format.replace(/\{(user|master)\}/g, (_all, key) =>
        key === 'user' ? user : config.user,
      );
      return { login: combined, password: config.password, authorize: '', user };
    }
    case 'authzid':
      return { login: config.user, password: config.password, authorize: user, user };
  }
}

type Method = 'plain-ir' | 'plain' | 'login' | 'sasl-login';

/** Logs in, with the client's ID sent ahead in the same flight. @returns the answer, which is OK @throws UpstreamError */
export async function logInUpstream(
  dialogue: Dialogue,
  capabilities: Capabilities,
  config: UpstreamConfig,
  identity: UpstreamIdentity,
  id: IdParameters | undefined,
): Promise<CommandResult> {
  const method = chooseMethod(config, capabilities, identity, dialogue.server);
  if (id && capabilities.has('ID')) await sendIdAhead(dialogue, literalMode(capabilities), id);
  const tag = dialogue.nextTag();
  const result = await dialogue.exchange(tag, loginCommand(tag, method, capabilities, identity));
  if (result.tagged.name !== 'OK') throw refusal(dialogue.server, result.tagged);
  return result;
}

function loginCommand(
  tag: string,
  method: Method,
  capabilities: Capabilities,
  { authorize, login, password }: UpstreamIdentity,
): readonly Buffer[] {
  if (method === 'login') {
    const encoder = new Encoder({ literals: literalMode(capabilities) });
    return tagged(tag, encoder, out => out.raw('LOGIN ').astring(login).space().astring(password));
  }
  const base64 = (text: string): string => encodeBase64(Buffer.from(text));
  const response = base64(`${authorize}\0${login}\0${password}`);
  const lines = {
    'plain-ir': [`${tag} AUTHENTICATE PLAIN ${response}`],
    plain: [`${tag} AUTHENTICATE PLAIN`, response],
    'sasl-login': [`${tag} AUTHENTICATE LOGIN`, base64(login), base64(password)],
  }[method];
  return lines.map(line => Buffer.from(`${line}\r\n`));
}

/** Codes by which a server says that the login itself was in order (RFC 5530 §3). */
const NOT_NOW = /^(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|CONTACTADMIN|THROTTLED)\b/i;
const NOT_THIS_LOGIN = /^(?:AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|EXPIRED)\b/i;

function refusal(server: string, { name, code = '', text }: Response): UpstreamError {
  const said = code === '' ? text : `[${code}] ${text}`;
  if (/^PRIVACYREQUIRED\b/i.test(code)) {
    return new UpstreamError('misconfigured', `${server} takes no login without TLS: ${said}`, { server });
  }
  // A server that hangs up without a reason may be shutting down as well: nobody is to be asked for another password because of that.
  if (NOT_NOW.test(code) || (name === 'BYE' && !NOT_THIS_LOGIN.test(code))) {
    const onlyThisLogin = !/^UNAVAILABLE\b/i.test(code);
    return new UpstreamError('unavailable', `${server} cannot take the login now: ${said}`, { server, onlyThisLogin });
  }
  return new UpstreamError('refused', `${server} refused the login: ${said}`, { server });
}

function chooseMethod(
  { login }: UpstreamConfig,
  capabilities: Capabilities,
  identity: UpstreamIdentity,
  server: string,
): Method {
  const plain: Method | undefined = capabilities.has('AUTH=PLAIN')
    ? capabilities.has('SASL-IR')
      ? 'plain-ir'
      : 'plain'
    : undefined;
  // Servers that offer AUTH=LOGIN alone disable the command, which is PLAIN to them (Dovecot 2.3).
  const loginMethod: Method | undefined = capabilities.has('LOGINDISABLED')
    ? capabilities.has('AUTH=LOGIN')
      ? 'sasl-login'
      : undefined
    : 'login';
  const byLogin = identity.authorize === '' ? loginMethod : undefined;
  const wanted = login.as === 'authzid' ? 'PLAIN' : login.mechanism;
  const method = wanted === 'PLAIN' ? plain : wanted === 'LOGIN' ? byLogin : (plain ?? byLogin);
  if (method) return method;
  throw new UpstreamError(
    'misconfigured',
    `${server} ${wanted === 'auto' ? 'offers neither AUTH=PLAIN nor LOGIN' : `does not offer ${wanted}`} (it says: ${capabilities})`,
    { server },
  );
}

function literalMode(capabilities: Capabilities): LiteralMode {
  if (capabilities.has('LITERAL+')) return 'plus';
  return capabilities.has('LITERAL-') ? 'minus' : 'synchronising';
}

/** Sent without waiting for its answer: a round trip saved at every login. A server without literal+ gets no values that need one. */
async function sendIdAhead(dialogue: Dialogue, literals: LiteralMode, id: IdParameters): Promise<void> {
  const tag = dialogue.nextTag();
  const parts = tagged(tag, new Encoder({ literals }), out => encodeId(out.raw('ID '), id));
  const [only, ...more] = parts;
  if (only && more.length === 0) await dialogue.send(only);
}
