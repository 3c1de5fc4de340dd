/**
 * Why a PKCS#12 file could not be imported:
 * - wrong-password: the file is sound, the password is not its;
 * - unreadable: not a PKCS#12 file, or damaged;
 * - unsupported: it uses an algorithm or a form that is not read here;
 * - no-key, no-certificate: something to import is not in it (Windows leaves the key out unless told otherwise);
 * - ambiguous: it holds several keys with certificates.
 */
export type Pkcs12Problem = 'wrong-password' | 'unreadable' | 'unsupported' | 'no-key' | 'no-certificate' | 'ambiguous';

export class Pkcs12Error extends Error {
  override readonly name = 'Pkcs12Error';
  readonly kind: Pkcs12Problem;

  constructor(kind: Pkcs12Problem, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}
