import { z } from 'zod';
import { fault } from './fault.ts';
import { type Surroundings, UnreadableError } from './surroundings.ts';

type Secret = string | { file: string } | { env: string };

/** Kinds of value that reach out of the configuration: paths, files, secrets. */
export function outsideValues(around: Surroundings) {
  /** A path that need not exist yet; absolute once loaded. */
  const path = (description: string) =>
    z.string().min(1).meta({ description, title: 'path' }).transform(around.resolvePath);

  /** A file that must be readable now. Its text is read again where it is used, so that it can be replaced live. */
  const readable = (description: string) =>
    z
      .string()
      .min(1)
      .meta({ description, title: 'file' })
      .transform((text, context) => {
        const resolved = around.resolvePath(text);
        readInto(context, around, resolved);
        return resolved;
      });

  /** `text`, `{ file: PATH }` or `{ env: NAME }`; the text itself once loaded, without one trailing line end. */
  const secret = (description: string) =>
    z
      .union([
        z.string(),
        z.strictObject({ file: z.string().min(1).meta({ description: 'File that holds it.', title: 'file' }) }),
        z.strictObject({ env: z.string().min(1).describe('Environment variable that holds it.') }),
      ])
      .meta({ description: `${description} Text, { file: PATH } or { env: NAME }.`, title: 'secret' })
      .transform((source, context) => resolveSecret(source, around, context) ?? z.NEVER);

  const keyPair = z.strictObject({
    certificate: readable('PEM certificate, followed by its chain.'),
    key: readable('PEM private key, without a passphrase.'),
  });

  return { path, readable, secret, keyPair };
}

/** Undefined after a fault was reported. */
function resolveSecret(source: Secret, around: Surroundings, context: z.core.$RefinementCtx): string | undefined {
  if (typeof source === 'string') {
    if (source === '') fault(context, 'the secret is empty', 'give it a value, { file: PATH } or { env: NAME }');
    return source === '' ? undefined : source;
  }
  if ('env' in source) {
    const value = around.readEnvironment(source.env);
    if (value === undefined) {
      fault(context, `the environment variable ${source.env} is not set`, `set ${source.env} where postern is started`);
    } else if (value === '') {
      fault(context, `the environment variable ${source.env} is empty`, `give ${source.env} a value`);
    }
    return value === '' ? undefined : value;
  }
  const text = readInto(context, around, around.resolvePath(source.file));
  if (text === undefined) return undefined;
  const value = text.replace(/\r?\n$/, '');
  if (value === '') {
    fault(context, `the secret file ${source.file} is empty`, 'write the secret into it, on one line');
    return undefined;
  }
  if (/[\r\n]/.test(value)) {
    fault(context, `the secret file ${source.file} has several lines`, 'write the secret alone, on one line');
    return undefined;
  }
  return value;
}

function readInto(context: z.core.$RefinementCtx, around: Surroundings, path: string): string | undefined {
  try {
    return around.readText(path);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    fault(context, message, error instanceof UnreadableError ? error.mend : 'make the file readable');
    return undefined;
  }
}
