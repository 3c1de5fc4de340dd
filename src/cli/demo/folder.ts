import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../command.ts';

/** Where a demonstration keeps its files. */
export interface DemoFolder {
  readonly path: string;
  /** Whether it is there for this one demonstration only. */
  readonly temporary: boolean;
}

/** Says that a folder is a demonstration's, in which files may be replaced. */
const MARK = 'THIS-IS-A-POSTERN-DEMO';

/** @param name absolute; made if need be. A temporary one without a name. @throws UsageError when it holds something else */
export function openDemoFolder(name: string | undefined): DemoFolder {
  const temporary = name === undefined;
  const path = temporary ? mkdtempSync(join(tmpdir(), 'postern-demo-')) : name;
  mkdirSync(path, { recursive: true });
  if (readdirSync(path).length > 0 && !existsSync(join(path, MARK))) {
    throw new UsageError(`${path} is not empty, and not of an earlier demonstration; name a new folder`);
  }
  writeFileSync(
    join(path, MARK),
    'Made by "postern demo", which replaces what is here. Safe to delete when it does not run.\n',
  );
  return { path, temporary };
}

export function removeDemoFolder({ path, temporary }: DemoFolder): void {
  if (temporary) rmSync(path, { recursive: true, force: true });
}
