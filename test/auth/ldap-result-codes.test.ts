import { describe, expect, it } from 'vitest';
import { AuthError } from '../../src/auth/directory.ts';
import { authErrorOf, ServerFailure } from '../../src/auth/ldap/failure.ts';
import { judgeSearch, judgeServiceBind, judgeUserBind } from '../../src/auth/ldap/result-codes.ts';

const answer = (code: number, message = '', policyError?: number) => ({
  result: { code, message, controls: new Map<string, Buffer>() },
  policyError,
});

/** "the user: KIND" or "the server: KIND". */
function verdict(judge: () => void): string {
  try {
    judge();
  } catch (error) {
    if (error instanceof AuthError) return `user: ${error.kind}`;
    if (error instanceof ServerFailure) return `server: ${error.kind}`;
    throw error;
  }
  return 'fine';
}

const ad = (data: string) =>
  `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data ${data}, v1db1\0`;

describe("a user's bind", () => {
  it.each<[number, string, number | undefined, string]>([
    [0, '', undefined, 'fine'],
    [0, '', 2, 'user: refused'],
    [0, '', 6, 'fine'],
    [49, '', undefined, 'user: bad-password'],
    [49, '', 0, 'user: refused'],
    [49, '', 1, 'user: refused'],
    [49, ad('52e'), undefined, 'user: bad-password'],
    [49, ad('525'), undefined, 'user: bad-password'],
    ...['530', '531', '532', '533', '701', '773', '775'].map((data): [number, string, undefined, string] => [
      49,
      ad(data),
      undefined,
      'user: refused',
    ]),
    [32, '', undefined, 'user: bad-password'],
    [34, '', undefined, 'user: bad-password'],
    [19, '', undefined, 'user: refused'],
    [48, '', undefined, 'user: refused'],
    [50, '', undefined, 'user: refused'],
    [53, '', undefined, 'user: refused'],
    [1, '', undefined, 'server: unavailable'],
    [3, '', undefined, 'server: unavailable'],
    [51, '', undefined, 'server: unavailable'],
    [52, '', undefined, 'server: unavailable'],
    [80, '', undefined, 'server: unavailable'],
    [7, '', undefined, 'server: misconfigured'],
    [8, '', undefined, 'server: misconfigured'],
    [13, '', undefined, 'server: misconfigured'],
    [10, '', undefined, 'user: misconfigured'],
    [123, '', undefined, 'user: misconfigured'],
  ])('answered %i %s (policy %s) is %s', (code, message, policyError, expected) => {
    expect(verdict(() => judgeUserBind(answer(code, message, policyError), 'uid=a', 'ldap1:636'))).toBe(expected);
  });

  it("keeps the server's words for the log", () => {
    expect(() => judgeUserBind(answer(49, ad('533')), 'uid=a', 'ldap1:636')).toThrow(
      /uid=a at ldap1:636: result 49 invalidCredentials, .*data 533, v1db1" \(account disabled\)/,
    );
  });
});

describe("the service account's bind", () => {
  it.each<[number, string, number | undefined, string]>([
    [0, '', undefined, 'fine'],
    [0, '', 2, 'server: misconfigured'],
    [49, '', undefined, 'server: misconfigured'],
    [49, ad('775'), undefined, 'server: misconfigured'],
    [53, '', undefined, 'server: misconfigured'],
    [8, '', undefined, 'server: misconfigured'],
    [51, '', undefined, 'server: unavailable'],
    [52, '', undefined, 'server: unavailable'],
  ])('answered %i %s (policy %s) is %s', (code, message, policyError, expected) => {
    expect(verdict(() => judgeServiceBind(answer(code, message, policyError), 'cn=p', 'ldap1:636'))).toBe(expected);
  });

  it('refused names the account and the keys to look at', () => {
    expect(() => judgeServiceBind(answer(49), 'cn=p,dc=x', 'ldap1:636')).toThrow(
      /cn=p,dc=x may not bind at ldap1:636.*check bind\.dn and bind\.password/,
    );
  });
});

describe('a search', () => {
  it.each<[number, string, string]>([
    [0, '', 'fine'],
    [4, '', 'fine'],
    [32, '', 'user: misconfigured'],
    [34, '', 'user: misconfigured'],
    [10, '', 'user: misconfigured'],
    [11, '', 'user: misconfigured'],
    [50, '', 'user: misconfigured'],
    [1, '000004DC: In order to perform this operation a successful bind must be completed', 'user: misconfigured'],
    [1, '', 'server: unavailable'],
    [51, '', 'server: unavailable'],
    [52, '', 'server: unavailable'],
    [80, '', 'server: unavailable'],
    [8, '', 'server: misconfigured'],
    [2, '', 'user: misconfigured'],
  ])('answered %i %s is %s', (code, message, expected) => {
    expect(verdict(() => judgeSearch(answer(code, message).result, 'dc=x', 'ldap1:636'))).toBe(expected);
  });
});

describe('several failing servers', () => {
  const failure = (kind: ServerFailure['kind']) => new ServerFailure(kind, `it is ${kind}`);

  it.each<[ServerFailure['kind'][], string]>([
    [['timeout', 'lost'], 'unavailable'],
    [['busy'], 'unavailable'],
    [['untrusted', 'lost'], 'untrusted'],
    [['lost', 'untrusted'], 'untrusted'],
    [['misconfigured', 'untrusted'], 'untrusted'],
    [['misconfigured', 'timeout'], 'misconfigured'],
    [[], 'unavailable'],
  ])('%j are %s', (kinds, expected) => {
    const error = authErrorOf(kinds.map(failure));
    expect(error.kind).toBe(expected);
    for (const kind of kinds) expect(error.message).toContain(`it is ${kind}`);
  });
});
