import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * `pack.ts before` (npm's prepack) makes package.json what installers need; `pack.ts after` (postpack) brings the original back.
 * The original waits in node_modules, which git ignores; when packing was cut short, the next `before`, `after` or test run
 * brings it back.
 *
 * To publish, publish the packed file (`npm pack && npm publish postern-*.tgz`): `npm publish` of the folder would tell the
 * registry what the original says.
 */

const project = fileURLToPath(new URL('../..', import.meta.url));
const manifest = join(project, 'package.json');
const original = join(project, 'node_modules', '.package.json.original');

/** The manifest as published: without the carried Node (~100 MB for those who have one), development parts and scripts. */
export function publishedManifest(text: string): string {
  const { optionalDependencies, devDependencies, scripts, ...published }: Record<string, unknown> = JSON.parse(text);
  return `${JSON.stringify(published, null, 2)}\n`;
}

/** Brings the original package.json back if a pack was cut short. True when there was one to bring back. */
export function restoreManifest(): boolean {
  if (!existsSync(original)) return false;
  renameSync(original, manifest);
  return true;
}

function replaceManifest(): void {
  restoreManifest();
  const text = readFileSync(manifest, 'utf8');
  const published = publishedManifest(text);
  const next = `${original}.next`;
  // Each step is one rename: whenever it stops, package.json is whole and the original is safe.
  writeFileSync(next, text);
  renameSync(next, original);
  try {
    writeFileSync(next, published);
    renameSync(next, manifest);
  } catch (error) {
    restoreManifest();
    throw error;
  }
}

if (import.meta.main) {
  const [step] = parseArgs({ allowPositionals: true }).positionals;
  if (step === 'before') replaceManifest();
  else if (step === 'after') restoreManifest();
  else {
    process.stderr.write('usage: pack.ts before|after\n');
    process.exitCode = 64;
  }
}
