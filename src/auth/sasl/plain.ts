import { isUtf8 } from 'node:buffer';
import { Malformed } from '../../wire/malformed.ts';
import type { SaslMechanism } from './mechanism.ts';

/** RFC 4616: `[authzid] NUL authcid NUL passwd`, in one response. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  start: () => ({
    next(response) {
      if (response === undefined) return { kind: 'challenge', bytes: Buffer.alloc(0) };
      if (!isUtf8(response)) throw new Malformed('PLAIN: the response is not UTF-8');
      const [authorize, login, password, ...more] = response.toString('utf8').split('\0');
      if (authorize === undefined || login === undefined || password === undefined || more.length > 0) {
        throw new Malformed('PLAIN: the response must be authorization identity, NUL, login, NUL, password');
      }
      return { kind: 'credentials', credentials: { mechanism: 'PLAIN', authorize, login, password } };
    },
  }),
};
