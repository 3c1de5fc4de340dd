import type { AnyCommand } from '../commands/command.ts';
import { uid } from '../commands/uid.ts';
import { type DecodeCharset, decodeBasicCharset } from '../imap/charset.ts';
import { openVocabulary } from '../items/vocabulary.ts';
import { children } from './children.ts';
import { condstore } from './condstore.ts';
import { createSpecialUse } from './create-special-use.ts';
import { enable } from './enable.ts';
import type { CapabilityContext, Extension } from './extension.ts';
import { id } from './id.ts';
import { idle } from './idle.ts';
import { imap4rev1 } from './imap4rev1.ts';
import { literalPlus } from './literal-plus.ts';
import { move } from './move.ts';
import { namespace } from './namespace.ts';
import { saslIr } from './sasl-ir.ts';
import { specialUse } from './special-use.ts';
import { uidplus } from './uidplus.ts';
import { unselect } from './unselect.ts';

/** All that Postern speaks; a new RFC is one more line. */
export const EXTENSIONS: readonly Extension[] = [
  imap4rev1,
  saslIr,
  id,
  literalPlus,
  namespace,
  children,
  specialUse,
  createSpecialUse,
  enable,
  idle,
  unselect,
  uidplus,
  move,
  condstore,
];

/** Commands by name and capabilities by circumstance, from the extensions that are registered. */
export class Registry {
  readonly #extensions: readonly Extension[];
  readonly #commands: ReadonlyMap<string, AnyCommand>;
  readonly #features: ReadonlySet<string>;

  /** @param decodeCharset for the texts of SEARCH; the composition brings one that knows many */
  constructor(extensions: readonly Extension[] = EXTENSIONS, decodeCharset: DecodeCharset = decodeBasicCharset) {
    this.#extensions = extensions;
    const vocabulary = openVocabulary(
      extensions.map(({ words }) => words ?? {}),
      decodeCharset,
    );
    const commands = [
      ...extensions.flatMap(extension => [
        ...(extension.commands ?? []),
        ...(extension.openCommands?.(vocabulary) ?? []),
      ]),
      uid(extensions.flatMap(extension => extension.uidCommands?.(vocabulary) ?? [])),
    ];
    this.#features = new Set(extensions.flatMap(extension => extension.enables ?? []));
    this.#commands = new Map(commands.map(command => [command.name, command]));
  }

  /** @param name in upper case */
  command(name: string): AnyCommand | undefined {
    return this.#commands.get(name);
  }

  /** What ENABLE may turn on. */
  get features(): ReadonlySet<string> {
    return this.#features;
  }

  capabilities(context: CapabilityContext): string {
    return this.#extensions.flatMap(extension => extension.capabilities?.(context) ?? []).join(' ');
  }
}
