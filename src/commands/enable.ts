import { command, LOGGED_IN } from './command.ts';

/**
 * ENABLE (RFC 5161 §3.1). What is not known is passed over. RFC 5161 wants it before any mailbox is selected and leaves it to servers
 * to insist: nothing here depends on it.
 */
export const enable = command({
  name: 'ENABLE',
  states: LOGGED_IN,
  parse(scanner) {
    const features: string[] = [];
    do {
      scanner.space();
      features.push(scanner.atom('a capability').toUpperCase());
    } while (!scanner.atEnd);
    return features;
  },
  async *run({ mail }, features) {
    const enabled = features.filter(feature => mail.features.has(feature) && mail.enable(feature));
    yield `* ENABLED${enabled.map(feature => ` ${feature}`).join('')}\r\n`;
    return { status: 'OK', text: 'ENABLE completed.' };
  },
});
