import type { Finding, Path } from './problem.ts';

/**
 * Keys and values that the documented interface has and this version cannot serve. Saying so plainly is better than
 * "unknown key": the administrator did nothing wrong.
 */
const MIRROR = {
  message: 'mirroring the mailboxes of an upstream is not part of this version',
  mend: 'write relay: UPSTREAM, or store: local for mail that is kept here',
};
const LATER_STORE = /^(postgres(ql)?|mysql|mariadb|maildir|s3|imap|memory)$/i;
const LATER_MECHANISM =
  /^(GSSAPI|GSS-SPNEGO|SCRAM-SHA-(224|384|512|3-512)(-PLUS)?|OAUTHBEARER|XOAUTH2|EXTERNAL|NTLM|CRAM-MD5|DIGEST-MD5)$/i;

/** For a key that the schema does not know. */
export function keyNotYet(parent: Path, key: string): Omit<Finding, 'path'> | undefined {
  const [section] = parent;
  if (section === 'routes' && key === 'mirror') return MIRROR;
  if (key === '<<') {
    return {
      message: 'merge keys ("<<") are not supported',
      mend: 'write the keys out, or use an anchor for one value',
    };
  }
  return undefined;
}

/** For a value that is not among those the schema lists. */
export function valueNotYet(path: Path, value: unknown): Omit<Finding, 'path'> | undefined {
  if (typeof value !== 'string') return undefined;
  const [section] = path;
  if (section === 'stores' && path.at(-1) === 'kind' && LATER_STORE.test(value)) {
    return { message: `stores of the kind ${value} are not part of this version`, mend: 'write kind: sqlite' };
  }
  if (section === 'upstreams' && path.at(-1) === 'as' && ['secret', 'oauth'].includes(value)) {
    return {
      message: `logging in at an upstream as "${value}" is not part of this version`,
      mend: 'write as: user, as: master or as: authzid',
    };
  }
  if (section === 'authentication' && path[1] === 'mechanisms' && LATER_MECHANISM.test(value)) {
    return {
      message: `the mechanism ${value} is not part of this version`,
      mend: 'write PLAIN, LOGIN, SCRAM-SHA-256 or several of them',
    };
  }
  return undefined;
}
