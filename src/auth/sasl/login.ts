import { isUtf8 } from 'node:buffer';
import { Malformed } from '../../wire/malformed.ts';
import type { SaslMechanism } from './mechanism.ts';

/** draft-murchison-sasl-login: never standardised, still what some Microsoft clients use. The prompts are what they expect. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  start: () => {
    let name: string | undefined;
    return {
      next(response) {
        if (response === undefined) return { kind: 'challenge', bytes: Buffer.from('Username:') };
        if (!isUtf8(response) || response.includes(0)) throw new Malformed('LOGIN: the response is not UTF-8 text');
        const text = response.toString('utf8');
        if (name === undefined) {
          name = text;
          return { kind: 'challenge', bytes: Buffer.from('Password:') };
        }
        return { kind: 'credentials', credentials: { mechanism: 'LOGIN', authorize: '', login: name, password: text } };
      },
    };
  },
};
