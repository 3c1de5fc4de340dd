import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { SaslContext, ScramVerdict } from '../../../src/auth/sasl/mechanism.ts';
import { scram } from '../../../src/auth/sasl/scram.ts';
import {
  encodeScramVerifier,
  KeptVerifiers,
  newScramVerifier,
  parseScramVerifier,
  type ScramHash,
  type ScramVerifier,
} from '../../../src/auth/scram-verifier.ts';
import { Malformed } from '../../../src/wire/malformed.ts';

const BINDING = Buffer.from('octets of this very connection');
const TLS: SaslContext = {
  binding: type => (type === 'tls-exporter' ? BINDING : undefined),
  plusOffered: name => name.endsWith('-PLUS'),
};
const CLEAR: SaslContext = { binding: () => undefined, plusOffered: () => false };

function verifierOf(hash: ScramHash, password: string, salt: Buffer, iterations: number): ScramVerifier {
  const salted = pbkdf2Sync(password, salt, iterations, hash === 'sha1' ? 20 : 32, hash);
  const key = (label: string) => createHmac(hash, salted).update(label).digest();
  const storedKey = createHash(hash).update(key('Client Key')).digest();
  return { hash, iterations, salt, storedKey, serverKey: key('Server Key') };
}

interface Said {
  readonly hash?: ScramHash;
  readonly plus?: boolean;
  readonly context?: SaslContext;
  readonly header?: string;
  readonly name?: string;
  readonly binding?: Buffer;
  readonly nonce?: (server: string) => string;
  readonly password?: string;
  readonly verifiers?: readonly ScramVerifier[];
}

/** A client written by the RFC, which may lie. */
function converse(said: Said): { verdict: ScramVerdict; login: string; authorize: string; expected: string } {
  const { hash = 'sha256', plus = false, context = TLS, header = 'n,,', name = 'user', password = 'pencil' } = said;
  const verifiers = said.verifiers ?? [verifierOf(hash, 'pencil', Buffer.from('salt of all'), 4096)];
  const [known] = verifiers;
  const bare = `n=${name},r=${randomBytes(9).toString('base64')}`;
  const step = scram(hash, { plus })
    .start(context)
    .next(Buffer.from(`${header}${bare}`));
  if (step.kind !== 'scram' || !known) throw new Error('no SCRAM');
  const first = step.exchange.challenge(known).toString();
  const [, nonce = '', salt = '', iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(first) ?? [];
  const shown = Buffer.concat([Buffer.from(header), said.binding ?? Buffer.alloc(0)]).toString('base64');
  const final = `c=${shown},r=${said.nonce?.(nonce) ?? nonce}`;
  const own = verifierOf(hash, password, Buffer.from(salt, 'base64'), Number(iterations));
  const salted = pbkdf2Sync(password, own.salt, own.iterations, own.storedKey.length, hash);
  const message = `${bare},${first},${final}`;
  const signature = createHmac(hash, own.storedKey).update(message).digest();
  const proof = createHmac(hash, salted).update('Client Key').digest();
  for (const [index, byte] of signature.entries()) proof[index] = (proof[index] ?? 0) ^ byte;
  const verdict = step.exchange.check(Buffer.from(`${final},p=${proof.toString('base64')}`), verifiers);
  const expected = `v=${createHmac(hash, own.serverKey).update(message).digest('base64')}`;
  return { verdict, expected, login: step.identities.login, authorize: step.identities.authorize };
}

describe('SCRAM, as the RFCs play it', () => {
  it.each([
    {
      rfc: 'RFC 5802 §5',
      hash: 'sha1' as const,
      client: 'fyko+d2lbbFgONRv9qkxdawL',
      server: '3rfcNHYJY1ZVvWVs7j',
      salt: 'QSXCR+Q6sek8bf92',
      proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      final: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    },
    {
      rfc: 'RFC 7677 §3',
      hash: 'sha256' as const,
      client: 'rOprNGfwEbeRWgbNEkqO',
      server: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
      salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
      proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      final: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    },
  ])('$rfc', ({ hash, client, server, salt, proof, final }) => {
    const exchange = scram(hash, { plus: false }, () => server).start(CLEAR);
    const step = exchange.next(Buffer.from(`n,,n=user,r=${client}`));
    if (step.kind !== 'scram') throw new Error('no SCRAM');
    const verifier = verifierOf(hash, 'pencil', Buffer.from(salt, 'base64'), 4096);
    expect(step.exchange.challenge(verifier).toString()).toBe(`r=${client}${server},s=${salt},i=4096`);
    const verdict = step.exchange.check(Buffer.from(`c=biws,r=${client}${server},p=${proof}`), [verifier]);
    expect(verdict.proven && verdict.final.toString()).toBe(final);
  });
});

describe('a SCRAM exchange', () => {
  it.each([
    { title: 'plain', said: {} },
    { title: 'with a name that needs escapes', said: { name: 'a=2Cb=3Dc' }, login: 'a,b=c' },
    { title: 'as somebody else', said: { header: 'n,a=bob,' }, authorize: 'bob' },
    { title: 'by a client that could bind, where nothing can be bound', said: { header: 'y,,', context: CLEAR } },
    { title: '-PLUS', said: { plus: true, header: 'p=tls-exporter,,', binding: BINDING } },
    {
      title: '-PLUS with SHA-1',
      said: { hash: 'sha1' as const, plus: true, header: 'p=tls-exporter,,', binding: BINDING },
    },
  ])('proves the password: $title', ({ said, login = 'user', authorize = '' }) => {
    const { verdict, expected, ...who } = converse(said);
    expect(verdict.proven && verdict.final.toString()).toBe(expected);
    expect(who).toEqual({ login, authorize });
  });

  it('finds which of several verifiers it was', () => {
    const salt = randomBytes(16);
    const verifiers = ['one', 'two', 'three'].map(password => verifierOf('sha256', password, salt, 4096));
    expect(converse({ verifiers, password: 'two' }).verdict.proven).toBe(verifiers[1]);
  });

  it.each([
    { title: 'a wrong password', said: { password: 'pen' }, reason: /proof is wrong/ },
    { title: 'a downgrade', said: { header: 'y,,' }, reason: /downgrade/ },
    { title: 'the nonce of another exchange', said: { nonce: (own: string) => `${own}x` }, reason: /nonce/ },
    {
      title: 'the channel of another',
      said: { plus: true, header: 'p=tls-exporter,,', binding: Buffer.from('x') },
      reason: /another connection/,
    },
    {
      title: 'a channel binding that is not there',
      said: { plus: true, header: 'p=tls-unique,,', binding: BINDING },
      reason: /no channel binding tls-unique/,
    },
    { title: '-PLUS without binding', said: { plus: true, header: 'n,,' }, reason: /without channel binding/ },
    { title: 'binding without -PLUS', said: { header: 'p=tls-exporter,,', binding: BINDING }, reason: /without -PLUS/ },
  ])('refuses $title', ({ said, reason }) => {
    const { verdict } = converse(said);
    expect(verdict.proven ? '' : verdict.reason).toMatch(reason);
  });

  it.each([
    '',
    'n,,',
    'x,,n=user,r=a',
    'n,,n=,r=a',
    'n,,n=us=2Der,r=a',
    'n,,m=x,n=user,r=a',
    'n,,n=user,r=',
    'p=,,n=user,r=a',
    'n,x=y,n=u,r=a',
  ])('takes %j for malformed', text => {
    expect(() => scram('sha256', { plus: false }).start(TLS).next(Buffer.from(text))).toThrow(Malformed);
  });

  it.each(['', 'c=biws', 'c=biws,r=a', 'c=biws,r=a,p=', 'r=a,c=biws,p=aaaa', 'c=biws,r=a,p=!!'])(
    'takes the answer %j for malformed',
    text => {
      const step = scram('sha256', { plus: false }).start(TLS).next(Buffer.from('n,,n=user,r=a'));
      if (step.kind !== 'scram') throw new Error('no SCRAM');
      const verifier = verifierOf('sha256', 'pencil', Buffer.from('salt'), 1);
      step.exchange.challenge(verifier);
      expect(() => step.exchange.check(Buffer.from(text), [verifier])).toThrow(Malformed);
    },
  );
});

describe('verifiers', () => {
  it('are what the client computes, from the password as SASLprep spells it', async () => {
    const made = await newScramVerifier('pass\u00adword\u00b2', 'sha256');
    expect(made).toEqual(verifierOf('sha256', 'password2', made.salt, 4096));
    await expect(newScramVerifier('bell\u0007', 'sha256')).rejects.toThrow(/SASLprep/);
  });

  it('are read in the forms of RFC 5803 and of Dovecot', async () => {
    for (const hash of ['sha1', 'sha256'] as const) {
      const made = await newScramVerifier('secret', hash);
      const text = encodeScramVerifier(made);
      expect(parseScramVerifier(text)).toEqual(made);
      const [scheme, salted, keys] = text.split('$');
      expect(parseScramVerifier(`{${scheme}}${salted?.replace(':', ',')},${keys?.replace(':', ',')}`)).toEqual(made);
    }
  });

  it.each(['', 'secret', '{SSHA}abcd', 'SCRAM-SHA-256$4096:c2FsdA==$YQ==:YQ==', 'SCRAM-MD5$1:YQ==$YQ==:YQ=='])(
    'are not %j',
    text => expect(parseScramVerifier(text)).toBeUndefined(),
  );

  it('are shown nowhere', async () => {
    const text = encodeScramVerifier(await newScramVerifier('secret', 'sha256'));
    const kept = new KeptVerifiers([text, '{SSHA}abcd']);
    expect(kept.of('sha256')).toHaveLength(1);
    expect(JSON.stringify({ kept })).toBe('{}');
  });
});
