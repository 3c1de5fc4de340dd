import { command, nothing } from './command.ts';

/** STARTTLS (RFC 9051 §6.2.1). What the client pipelined behind it is discarded by the session, unread. */
export const starttls = command({
  name: 'STARTTLS',
  states: ['not-authenticated'],
  parse: nothing,
  async run(session) {
    if (!session.startTlsPossible) return { status: 'BAD', text: 'STARTTLS is not possible here.' };
    return { status: 'OK', text: 'Begin TLS negotiation now.', afterwards: 'starttls' };
  },
});
