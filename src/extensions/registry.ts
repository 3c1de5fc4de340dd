import type { AnyCommand } from '../commands/command.ts';
import type { CapabilityContext, Extension } from './extension.ts';
import { id } from './id.ts';
import { imap4rev1 } from './imap4rev1.ts';
import { literalPlus } from './literal-plus.ts';
import { saslIr } from './sasl-ir.ts';

/** All that Postern speaks; a new RFC is one more line. */
export const EXTENSIONS: readonly Extension[] = [imap4rev1, saslIr, id, literalPlus];

/** Commands by name and capabilities by circumstance, from the extensions that are registered. */
export class Registry {
  readonly #extensions: readonly Extension[];
  readonly #commands: ReadonlyMap<string, AnyCommand>;

  constructor(extensions: readonly Extension[] = EXTENSIONS) {
    this.#extensions = extensions;
    this.#commands = new Map(
      extensions.flatMap(extension => extension.commands ?? []).map(command => [command.name, command]),
    );
  }

  /** @param name in upper case */
  command(name: string): AnyCommand | undefined {
    return this.#commands.get(name);
  }

  capabilities(context: CapabilityContext): string {
    return this.#extensions.flatMap(extension => extension.capabilities?.(context) ?? []).join(' ');
  }
}
