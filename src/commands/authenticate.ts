import type { SaslMechanism, ScramExchange, ScramVerdict, ScramVerifier } from '../auth/sasl/mechanism.ts';
import { MailError } from '../mail/mail-error.ts';
import type { CommandSession, Completion } from '../session/contract.ts';
import { decodeBase64, encodeBase64 } from '../wire/base64.ts';
import { Cancelled } from '../wire/malformed.ts';
import { command } from './command.ts';

/** AUTHENTICATE (RFC 9051 §6.2.2) with initial response (RFC 4959 §3, where `=` is an empty one). */
export const authenticate = command({
  name: 'AUTHENTICATE',
  states: ['not-authenticated'],
  parse(scanner) {
    scanner.space();
    const mechanism = scanner.atom('a mechanism').toUpperCase();
    if (!scanner.accept(' ')) return { mechanism, initial: undefined };
    const text = scanner.restOfLine();
    return { mechanism, initial: text === '=' ? Buffer.alloc(0) : decodeBase64(text) };
  },
  async run(session, { mechanism: name, initial }) {
    if (!session.secure) throw new MailError('privacy-required', 'AUTHENTICATE without TLS');
    const mechanism: SaslMechanism | undefined = session.mechanisms.find(offered => offered.name === name);
    if (!mechanism) return { status: 'NO', text: 'This mechanism is not offered.' };
    try {
      return await converse(session, mechanism, initial);
    } catch (error) {
      if (error instanceof Cancelled) return { status: 'BAD', text: 'AUTHENTICATE cancelled.' };
      throw error;
    }
  },
});

async function converse(
  session: CommandSession,
  mechanism: SaslMechanism,
  initial: Buffer | undefined,
): Promise<Completion> {
  const exchange = mechanism.start(session.sasl);
  let response = initial;
  for (;;) {
    const step = exchange.next(response);
    if (step.kind === 'credentials') return await session.login(step.credentials);
    if (step.kind === 'scram') {
      const { hash } = step.exchange;
      const prove = (verifiers: readonly ScramVerifier[]) => proveByScram(session, step.exchange, verifiers);
      return await session.login({ ...step.identities, scram: { hash, prove } });
    }
    response = await ask(session, step.bytes);
  }
}

/** From the server's first message to the client's last, which is empty: IMAP has no room for data beside OK (RFC 9051 §6.2.2). */
async function proveByScram(
  session: CommandSession,
  exchange: ScramExchange,
  verifiers: readonly ScramVerifier[],
): Promise<ScramVerdict> {
  const [first] = verifiers;
  if (!first) throw new Error('SCRAM without a verifier');
  const verdict = exchange.check(await ask(session, exchange.challenge(first)), verifiers);
  // A client that does not believe us cancels here, and is not logged in.
  if (verdict.proven) await ask(session, verdict.final);
  return verdict;
}

/** @throws Cancelled; Malformed */
async function ask(session: CommandSession, challenge: Buffer): Promise<Buffer> {
  const line = await session.converse(encodeBase64(challenge));
  if (line === '*') throw new Cancelled('the client cancelled AUTHENTICATE');
  return decodeBase64(line);
}
