import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { cycleFaults, fileFaults, HOUSE, type HouseRules, importFaults, packageName } from './support/architecture.ts';
import { commentFaults, parseSource } from './support/source-module.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string) => readFileSync(join(project, path), 'utf8');
const files = (pattern: string) => globSync(pattern, { cwd: project }).sort();

describe('the house', () => {
  const sources = files('src/**/*.ts').map(path => ({ path, text: read(path) }));
  const modules = sources.map(({ path, text }) => parseSource(path, text));

  it('is found at all', () => {
    expect(modules.length).toBeGreaterThan(10);
    expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(10);
  });

  it('lets each wing import only what the plan allows', () => expect(importFaults(modules, HOUSE)).toEqual([]));

  it('has no circles of imports', () => expect(cycleFaults(modules)).toEqual([]));

  it('has no any, no silenced compiler, and RFC references a tool can follow', () => {
    expect(modules.flatMap(({ faults }) => faults)).toEqual([]);
  });

  it('has short files, named for an idea in kebab-case', () => {
    const tests = files('test/**/*.ts').map(path => ({ path, text: read(path) }));
    expect([...sources, ...tests].flatMap(({ path, text }) => fileFaults(path, text))).toEqual([]);
  });

  it('explains each wing in a page', () => {
    const wings = files('src/*').filter(
      path => statSync(join(project, path)).isDirectory() && files(`${path}/**/*.ts`).length > 0,
    );
    expect(wings.filter(wing => !existsSync(join(project, wing, 'README.md')))).toEqual([]);
    expect(wings.filter(wing => read(`${wing}/README.md`).split('\n').length > 70)).toEqual([]);
  });

  it('imports only packages it declares', () => {
    const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(read('package.json'));
    const imported = modules.flatMap(({ imports }) =>
      imports.filter(({ local }) => !local).map(({ target }) => target),
    );
    const packages = new Set(imported.filter(target => !isBuiltin(target)).map(packageName));
    expect([...packages].filter(name => !(name in dependencies))).toEqual([]);
  });

  it('uses the names of builtin modules with node:', () => {
    const bare = modules.flatMap(({ path, imports }) =>
      imports
        // Modules that have no other name are listed with it.
        .filter(({ target }) => builtinModules.includes(target) && !target.startsWith('node:'))
        .map(({ target, line }) => `${path}:${line}: ${target}`),
    );
    expect(bare).toEqual([]);
  });

  it('locks packages without the address of a registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved"/);
  });

  it('names no folder of the machine it was written on', () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: project, encoding: 'utf8' })
      .split('\0')
      .filter(Boolean);
    // Spelled so that this file does not find itself.
    const foreign = new RegExp(`(?<![\\w.~-])/(?:${['work', 'root', 'home/[a-z]'].join('|')})/`);
    const present = tracked.filter(path => path !== 'package-lock.json' && existsSync(join(project, path)));
    expect(present.length).toBeGreaterThan(10);
    expect(present.filter(path => foreign.test(read(path)))).toEqual([]);
  });
});

function isBuiltin(target: string): boolean {
  return target.startsWith('node:');
}

describe('the checker', () => {
  const rules: HouseRules = {
    'main.ts': { values: 'anything', types: 'anything' },
    low: { values: [], types: [], pure: true },
    high: { values: ['low'], types: ['side', 'other/one.ts'] },
    side: { values: ['low'], types: [] },
    other: { values: [], types: [] },
    'side/inner': { values: ['side'], types: [] },
  };
  const house = (texts: Record<string, string>) =>
    Object.entries(texts).map(([path, text]) => parseSource(`src/${path}`, text));
  const empties = { 'low/a.ts': '', 'side/a.ts': '', 'side/inner/a.ts': '', 'other/one.ts': '', 'other/two.ts': '' };
  const faultsOf = (path: string, text: string) => importFaults(house({ ...empties, [path]: text }), rules);

  it.each([
    ['a value of a wing above', 'low/b.ts', `import { a } from '../side/a.ts';`, /low may not import side\/a\.ts/],
    ['a type of a wing above', 'low/b.ts', `import type { A } from '../side/a.ts';`, /may not import types of side/],
    ['a value where only types may', 'high/b.ts', `import { a } from '../side/a.ts';`, /may import only types of side/],
    [
      'a type in braces, which still loads',
      'high/b.ts',
      `import { type A } from '../side/a.ts';`,
      /only types of side/,
    ],
    ['a dynamic import', 'low/b.ts', `const a = await import('../side/a.ts');`, /low may not import/],
    ['an export from elsewhere', 'low/b.ts', `export * from '../side/a.ts';`, /low may not import/],
    ['a type written inline', 'low/b.ts', `type A = import('../side/a.ts').A;`, /may not import types of side/],
    ['a wing within a wing', 'side/b.ts', `import './inner/a.ts';`, /side may not import side\/inner/],
    [
      'a file beside the one allowed',
      'high/b.ts',
      `import type { A } from '../other/two.ts';`,
      /may not import types of other/,
    ],
    ['the network in a wing that computes', 'low/b.ts', `import net from 'node:net';`, /only computes/],
    ['a wrapped package elsewhere', 'side/b.ts', `import { Client } from 'ldapts';`, /belongs to auth\/ldap/],
    ['a file that is not there', 'high/b.ts', `import { a } from '../low/gone.ts';`, /not a file of the house/],
    ['a wing without a rule', 'attic/b.ts', '', /no row/],
  ])('catches %s', (_, path, text, fault) => {
    expect(faultsOf(path, text)).toEqual([expect.stringMatching(fault)]);
  });

  it.each([
    ['what a wing may import', 'high/b.ts', `import { a } from '../low/a.ts'; import type { B } from '../side/a.ts';`],
    ['the one file allowed', 'high/b.ts', `import type { A } from '../other/one.ts';`],
    ['its own files', 'side/b.ts', `import { a } from './a.ts';`],
    ['types of the network in a wing that computes', 'low/b.ts', `import type { Socket } from 'node:net';`],
    ['anything in main', 'main.ts', `import { a } from './side/inner/a.ts'; import { b } from './low/a.ts';`],
  ])('allows %s', (_, path, text) => expect(faultsOf(path, text)).toEqual([]));

  it('catches circles of values anywhere', () => {
    const circle = { 'low/a.ts': `import './b.ts';`, 'low/b.ts': `import './c.ts';`, 'low/c.ts': `import './a.ts';` };
    expect(cycleFaults(house(circle))).toEqual([expect.stringMatching(/low\/a\.ts -> .*b\.ts -> .*c\.ts -> .*a\.ts$/)]);
  });

  it('catches circles closed by types across folders, not within one', () => {
    const within = { 'low/a.ts': `import './b.ts';`, 'low/b.ts': `import type { A } from './a.ts';` };
    expect(cycleFaults(house(within))).toEqual([]);
    const across = { 'low/a.ts': `import '../side/b.ts';`, 'side/b.ts': `import type { A } from '../low/a.ts';` };
    expect(cycleFaults(house(across))).toEqual([expect.stringMatching(/counting types/)]);
  });

  it.each([
    ['any', 'let a: any;', /"any"/],
    ['a cast over a cast', 'const a = b as unknown as string;', /as \.\.\. as/],
    ['a non-null assertion', 'a!.b();', /"!"/],
    ['an import of a computed name', 'await import(name);', /only known when it runs/],
    ['an import without extension', `import './b';`, /without \.ts/],
    ['a worker by the name of its source', `new Worker(new URL('./w.ts', import.meta.url));`, /derive/],
    ['a comment that silences the compiler', '// @ts-expect-error because\na();', /by a comment/],
    ['text that does not parse', 'const = ;', /does not parse/],
  ])('catches %s', (_, text, fault) => {
    expect(parseSource('src/low/a.ts', text).faults).toEqual([expect.stringMatching(fault)]);
  });

  it('says the line', () =>
    expect(parseSource('src/a.ts', '\n\nlet a: any;').faults).toEqual(['src/a.ts:3: says "any"']));

  it.each(['RFC3501', 'RFC-3501', 'rfc 3501', 'RFC 3501 section 6.1', 'RFC 3501, §6.1', 'RFC 3501 § 6', 'RFC 3501§6'])(
    'catches the reference "%s"',
    text => expect(commentFaults(`see ${text} for that`)).toHaveLength(1),
  );

  it.each([
    'RFC 3501',
    'RFC 3501 §6.1.2',
    'RFC 5530, RFC 9051 §7.1',
    'RFC822.SIZE',
    'message/rfc822',
    'RFC 9051, which',
  ])('allows the reference "%s"', text => expect(commentFaults(`see ${text}.`)).toEqual([]));

  it('catches long files and names that say little', () => {
    expect(fileFaults('src/a/b.ts', 'x\n'.repeat(400))).toEqual([]);
    expect(fileFaults('src/a/b.ts', 'x\n'.repeat(401))).toHaveLength(1);
    expect(fileFaults('src/a/camelCase.ts', '')).toHaveLength(1);
    expect(fileFaults('src/a/utils.ts', '')).toHaveLength(1);
  });
});
