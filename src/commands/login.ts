import { MailError } from '../mail/mail-error.ts';
import { command } from './command.ts';

/** LOGIN (RFC 9051 §6.2.3). */
export const login = command({
  name: 'LOGIN',
  states: ['not-authenticated'],
  parse(scanner) {
    scanner.space();
    const name = scanner.astring('a login name');
    scanner.space();
    return { name, password: scanner.astring('a password') };
  },
  async run(session, { name, password }) {
    if (!session.secure) throw new MailError('privacy-required', 'LOGIN without TLS');
    if (!session.mechanisms.some(offered => offered.name === 'PLAIN' || offered.name === 'LOGIN')) {
      return { status: 'NO', text: 'LOGIN is not offered.' };
    }
    return await session.login({ mechanism: 'LOGIN command', authorize: '', login: name, password });
  },
});
