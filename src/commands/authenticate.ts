import type { SaslExchange, SaslMechanism } from '../auth/sasl/mechanism.ts';
import { MailError } from '../mail/mail-error.ts';
import { decodeBase64, encodeBase64 } from '../wire/base64.ts';
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
    const exchange: SaslExchange = mechanism.start();
    let response = initial;
    for (;;) {
      const step = exchange.next(response);
      if (step.kind === 'credentials') return await session.login(step.credentials);
      const line = await session.converse(encodeBase64(step.bytes));
      if (line === '*') return { status: 'BAD', text: 'AUTHENTICATE cancelled.' };
      response = decodeBase64(line);
    }
  },
});
