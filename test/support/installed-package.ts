import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const project = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** npm itself as the machine has it; what it starts finds this Node first. */
const env = { ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };

/** Like execFile, but what the program said is in the error. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<{ stdout: string }> {
  try {
    return await execute(program, args, { env, ...options });
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? `${error.message}\n${error.stdout}` : String(error);
    throw new Error(said, { cause: error });
  }
}

/** The package as `npm pack` makes it from the project as it is, installed into an empty folder. */
export class InstalledPackage {
  /** Everything is in here. */
  readonly folder: string;
  /** The copy of the project that was packed. */
  readonly source: string;
  /** Text of its package.json before that. */
  readonly manifest: string;
  /** Names of the packed files. */
  readonly files: readonly string[];
  /** `node_modules` of the folder that it was installed into. */
  readonly modules: string;

  private constructor(folder: string, manifest: string, files: readonly string[]) {
    this.folder = folder;
    this.source = join(folder, 'project');
    this.manifest = manifest;
    this.files = files;
    this.modules = join(folder, 'elsewhere', 'node_modules');
  }

  static async make(): Promise<InstalledPackage> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-package-'));
    try {
      const manifest = copyProject(join(folder, 'project'));
      await runProgram('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: join(folder, 'project') });
      const [name = ''] = globSync('*.tgz', { cwd: folder });
      const tarball = join(folder, name);
      const { stdout: list } = await runProgram('tar', ['-tzf', tarball]);
      const target = join(folder, 'elsewhere');
      mkdirSync(target);
      writeFileSync(join(target, 'package.json'), '{"private":true}');
      const quietly = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
      await runProgram('npm', ['install', ...quietly, tarball], { cwd: target });
      return new InstalledPackage(folder, manifest, list.trim().split('\n'));
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** What a service runs. */
  get launcher(): string {
    return join(this.modules, 'postern', 'src', 'postern.js');
  }

  /** What a shell finds. */
  get bin(): string {
    return join(this.modules, '.bin', 'postern');
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Packed from a copy: other tests run from the project meanwhile, and packing changes package.json and dist for a moment. */
function copyProject(copy: string): string {
  for (const part of ['src', 'config', 'test/support'])
    cpSync(join(project, part), join(copy, part), { recursive: true });
  for (const part of globSync(['*.json', '*.md', 'LICENSE', '.npmrc'], { cwd: project }))
    cpSync(join(project, part), join(copy, part));
  mkdirSync(join(copy, 'node_modules'));
  for (const part of globSync(['*', '.bin'], { cwd: join(project, 'node_modules') })) {
    symlinkSync(join(project, 'node_modules', part), join(copy, 'node_modules', part));
  }
  return readFileSync(join(copy, 'package.json'), 'utf8');
}
