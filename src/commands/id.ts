import { encodeId, parseId } from '../imap/id.ts';
import { Encoder } from '../wire/encoder.ts';
import { ANY_STATE, command } from './command.ts';

/** ID (RFC 2971 §3.1). The answer names the product and no version: before login nobody needs one. */
export const id = command({
  name: 'ID',
  states: ANY_STATE,
  parse(scanner) {
    scanner.space();
    return parseId(scanner);
  },
  async *run(session, client) {
    session.identify(client);
    const answer = new Encoder().raw('* ID ');
    yield Buffer.concat(encodeId(answer, new Map([['name', 'Postern']])).finish());
    return { status: 'OK', text: 'ID completed.' };
  },
});
