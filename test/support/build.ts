import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `npm run build`: dist/ from src/, nothing left over from before. */

const project = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(project, 'dist');

rmSync(dist, { recursive: true, force: true });
// Through the package's own launcher, which finds the compiler for this platform.
const compiler = join(project, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: project,
  stdio: 'inherit',
});
if (compiled.error) throw compiled.error;
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

/** Files that the code reads at run time beside itself; the launcher and the pages for developers are not among them. */
const notAssets = new Set(['postern.js', 'README.md']);
for (const entry of globSync('src/**/*', { cwd: project, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith('.ts') || notAssets.has(entry.name)) continue;
  const path = join(entry.parentPath, entry.name);
  const target = join(dist, relative(join(project, 'src'), path));
  mkdirSync(dirname(target), { recursive: true });
  copyFileSync(path, target);
}
