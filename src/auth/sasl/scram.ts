import { isUtf8 } from 'node:buffer';
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Malformed } from '../../wire/malformed.ts';
import type { ScramHash, ScramVerifier } from '../scram-verifier.ts';
import type { SaslContext, SaslMechanism, SaslStep, ScramExchange, ScramVerdict } from './mechanism.ts';

/**
 * SCRAM (RFC 5802) with SHA-1 or SHA-256 (RFC 7677), with and without channel binding. A message that breaks the grammar is
 * Malformed; everything that may be somebody in between, or a wrong password, is refused at the end of the exchange, alike.
 *
 * @param newNonce the server's part of the nonce: printable ASCII without commas
 */
export function scram(
  hash: ScramHash,
  { plus }: { readonly plus: boolean },
  newNonce: () => string = () => randomBytes(18).toString('base64'),
): SaslMechanism {
  const plain = hash === 'sha1' ? 'SCRAM-SHA-1' : 'SCRAM-SHA-256';
  const name = plus ? `${plain}-PLUS` : plain;
  return {
    name,
    ...(plus ? { needs: 'channel-binding' } : {}),
    start: context => ({
      next(response): SaslStep {
        if (response === undefined) return { kind: 'challenge', bytes: Buffer.alloc(0) };
        const first = parseClientFirst(response);
        const binding = bindingOf(first, { plus, plain }, context);
        const { login, authorize } = first;
        const exchange = new Exchange(hash, first, binding, newNonce());
        return { kind: 'scram', identities: { mechanism: name, login, authorize }, exchange };
      },
    }),
  };
}

interface ClientFirst {
  /** `n,a=...,`: comes back in the client's final message. */
  readonly header: string;
  /** `n`, `y`, or the name of a channel binding. */
  readonly flag: 'n' | 'y' | { readonly type: string };
  readonly authorize: string;
  readonly login: string;
  readonly nonce: string;
  readonly bare: string;
}

/** `gs2-header client-first-message-bare` (RFC 5802 §7). */
function parseClientFirst(response: Buffer): ClientFirst {
  const text = textOf(response);
  const [, header, flag, type, authorize = '', bare] =
    /^((n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,)(.*)$/s.exec(text) ?? [];
  if (header === undefined || bare === undefined) throw new Malformed('SCRAM: the first message has no GS2 header');
  if (bare.startsWith('m=')) throw new Malformed('SCRAM: no mandatory extension is known here');
  const [, login, nonce] = /^n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?$/s.exec(bare) ?? [];
  if (login === undefined || nonce === undefined) {
    throw new Malformed('SCRAM: the first message must have n=NAME,r=NONCE');
  }
  return {
    header,
    flag: type === undefined ? (flag === 'y' ? 'y' : 'n') : { type },
    authorize: decodeName(authorize),
    login: decodeName(login),
    nonce,
    bare,
  };
}

/** `saslname` (RFC 5802 §5.1): `=2C` and `=3D` stand for comma and equals sign. */
function decodeName(text: string): string {
  if (/=(?!2C|3D)/.test(text) || text.includes('\0')) throw new Malformed('SCRAM: a name has a stray "="');
  return text.replace(/=2C/g, ',').replace(/=3D/g, '=');
}

/** The octets that the client must show to be at the other end of this very connection, or why it cannot be. */
function bindingOf(
  { flag }: ClientFirst,
  { plus, plain }: { plus: boolean; plain: string },
  context: SaslContext | undefined,
): Buffer | { readonly reason: string } {
  if (typeof flag === 'object') {
    if (!plus) return { reason: 'channel binding with a mechanism without -PLUS' };
    return context?.binding(flag.type) ?? { reason: `there is no channel binding ${flag.type} here` };
  }
  if (plus) return { reason: 'a -PLUS mechanism without channel binding' };
  // RFC 5802 §6: the client could, and believes that the server cannot: whoever made it believe so has changed what was offered.
  if (flag === 'y' && context?.plusOffered(`${plain}-PLUS`)) {
    return { reason: 'downgrade: the client was not shown the -PLUS mechanism that is offered' };
  }
  return Buffer.alloc(0);
}

class Exchange implements ScramExchange {
  readonly hash: ScramHash;
  readonly #first: ClientFirst;
  readonly #binding: Buffer | { readonly reason: string };
  readonly #nonce: string;
  #serverFirst = '';

  constructor(hash: ScramHash, first: ClientFirst, binding: Buffer | { readonly reason: string }, nonce: string) {
    this.hash = hash;
    this.#first = first;
    this.#binding = binding;
    this.#nonce = `${first.nonce}${nonce}`;
  }

  challenge({ salt, iterations }: Pick<ScramVerifier, 'salt' | 'iterations'>): Buffer {
    this.#serverFirst = `r=${this.#nonce},s=${salt.toString('base64')},i=${iterations}`;
    return Buffer.from(this.#serverFirst);
  }

  check(response: Buffer, verifiers: readonly ScramVerifier[]): ScramVerdict {
    const [, withoutProof, shown, nonce, proofText] =
      /^(c=([A-Za-z0-9+/]+={0,2}),r=([^,]+)(?:,[^,]*)*),p=([A-Za-z0-9+/]+={0,2})$/s.exec(textOf(response)) ?? [];
    if (withoutProof === undefined || shown === undefined || proofText === undefined) {
      throw new Malformed('SCRAM: the final message must have c=BINDING,r=NONCE,p=PROOF');
    }
    // All verifiers are tried whatever else is wrong, so that time tells nothing.
    const message = `${this.#first.bare},${this.#serverFirst},${withoutProof}`;
    const proof = Buffer.from(proofText, 'base64');
    const [proven] = verifiers.filter(verifier => this.#proves(proof, message, verifier));
    const binding = this.#binding;
    if (!Buffer.isBuffer(binding)) return { proven: undefined, reason: binding.reason };
    if (nonce !== this.#nonce) return { proven: undefined, reason: 'the nonce is another one' };
    if (!Buffer.from(shown, 'base64').equals(Buffer.concat([Buffer.from(this.#first.header), binding]))) {
      return { proven: undefined, reason: 'the channel binding is that of another connection' };
    }
    if (!proven) return { proven: undefined, reason: 'the proof is wrong' };
    const signature = createHmac(this.hash, proven.serverKey).update(message).digest('base64');
    return { proven, final: Buffer.from(`v=${signature}`) };
  }

  #proves(proof: Buffer, message: string, { storedKey }: ScramVerifier): boolean {
    const signature = createHmac(this.hash, storedKey).update(message).digest();
    if (proof.length !== signature.length) return false;
    const clientKey = signature.map((byte, index) => byte ^ (proof[index] ?? 0));
    return timingSafeEqual(createHash(this.hash).update(clientKey).digest(), storedKey);
  }
}

function textOf(response: Buffer): string {
  if (!isUtf8(response)) throw new Malformed('SCRAM: the message is not UTF-8');
  return response.toString('utf8');
}
