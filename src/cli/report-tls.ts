import type { LoginLine } from './audit-file.ts';

/**
 * What is wrong with how a login came, worst first.
 * - `clear`: its password crossed the network without TLS; on the machine itself nothing crosses a network
 * - `old-tls`: TLS below 1.3: 1.2 is sound where its cipher is; what is below is not spoken here, and may be in logs of other times
 * - `weak-cipher`: no forward secrecy, no authenticated encryption, or a broken algorithm (RFC 9325 §4.2)
 * - `old-mechanism`: the never standardised SASL LOGIN
 * - `plain-mechanism`: the password itself is sent, within TLS: PLAIN and the LOGIN command
 */
export const CONCERNS = ['clear', 'weak-cipher', 'old-tls', 'old-mechanism', 'plain-mechanism'] as const;

export type Concern = (typeof CONCERNS)[number];

/** All logins of one user with one client in one way. */
export interface TlsUse {
  /** After normalisation where the log has it. */
  readonly login: string;
  readonly client: string;
  readonly tls: string;
  readonly cipher: string;
  readonly mechanism: string;
  readonly concerns: readonly Concern[];
  /** How many there were. */
  readonly logins: number;
  /** ISO time, and the address, of the latest. */
  readonly last: string;
  readonly address: string;
}

/** Attempts that failed tell of a client, too, once the user is known: it is the one that could not get in. */
export class TlsReport {
  readonly #uses = new Map<string, TlsUse>();
  #logins = 0;

  add(line: LoginLine): void {
    this.#logins += 1;
    const login = line.login ?? line.given;
    const client = line.clientId ?? '';
    const { tls = 'none', cipher = '', mechanism, time, address } = line;
    const key = JSON.stringify([login, client, tls, cipher, mechanism]);
    const before = this.#uses.get(key);
    const latest = !before || before.last <= time;
    this.#uses.set(key, {
      login,
      client,
      tls,
      cipher,
      mechanism,
      concerns: before?.concerns ?? concernsOf(line),
      logins: (before?.logins ?? 0) + 1,
      last: latest ? time : before.last,
      address: latest ? address : before.address,
    });
  }

  /** How many logins were added. */
  get logins(): number {
    return this.#logins;
  }

  /** Those of at least one of the concerns, worst first, then by login. */
  uses(of: readonly Concern[]): readonly TlsUse[] {
    const rank = ({ concerns }: TlsUse) => Math.min(...concerns.map(concern => CONCERNS.indexOf(concern)));
    return [...this.#uses.values()]
      .filter(({ concerns }) => concerns.some(concern => of.includes(concern)))
      .sort((one, other) => rank(one) - rank(other) || one.login.localeCompare(other.login));
  }

  /** By concern: how many logins, and of how many users. */
  counts(): Readonly<Record<Concern, { readonly logins: number; readonly users: number }>> {
    const count = (concern: Concern) => {
      const uses = [...this.#uses.values()].filter(({ concerns }) => concerns.includes(concern));
      const logins = uses.reduce((sum, use) => sum + use.logins, 0);
      return { logins, users: new Set(uses.map(({ login }) => login)).size };
    };
    return {
      clear: count('clear'),
      'weak-cipher': count('weak-cipher'),
      'old-tls': count('old-tls'),
      'old-mechanism': count('old-mechanism'),
      'plain-mechanism': count('plain-mechanism'),
    };
  }
}

export function concernsOf({ tls, cipher, mechanism, address }: LoginLine): readonly Concern[] {
  const concerns: Concern[] = [];
  if (tls === undefined) {
    if (!isThisMachine(address)) concerns.push('clear');
  } else {
    if (cipher !== undefined && isWeak(cipher)) concerns.push('weak-cipher');
    if (tls !== 'TLSv1.3') concerns.push('old-tls');
  }
  if (mechanism === 'LOGIN') concerns.push('old-mechanism');
  if (mechanism === 'PLAIN' || mechanism === 'LOGIN command') concerns.push('plain-mechanism');
  return concerns;
}

/** By the names of OpenSSL, which the log has. */
function isWeak(cipher: string): boolean {
  // TLS 1.3 has none but sound ones.
  if (cipher.startsWith('TLS_') && !cipher.startsWith('TLS_RSA')) return false;
  const forward = /^(?:ECDHE|DHE)-/.test(cipher);
  const authenticated = /GCM|CHACHA20|CCM/.test(cipher);
  return !forward || !authenticated || /RC4|DES|MD5|NULL|EXP|anon/i.test(cipher);
}

function isThisMachine(address: string): boolean {
  return address === '' || address === '::1' || address.startsWith('unix:') || /^(?:::ffff:)?127\./i.test(address);
}
