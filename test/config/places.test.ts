import { describe, expect, it } from 'vitest';
import { renderProblems } from '../../src/config/load.ts';
import { readYaml } from '../../src/config/yaml-source.ts';
import { CONFIG_FILE, problemsOn } from './made-up-machine.ts';

describe('places in block and flow style', () => {
  const source = readYaml(
    [
      'listeners:', // 1
      '  - address: one', // 2
      '    tls:', // 3
      '  - { address: two, tls: none }', // 4
      'shared: &shared { a: 1 }', // 5
      'used: *shared', // 6
      'long: [', // 7
      '  first,', // 8
      '  { inner: second }]', // 9
    ].join('\n'),
  );

  it.each([
    [['listeners', 0, 'address'], 'value', 2, 14],
    [['listeners', 0, 'address'], 'key', 2, 5],
    [['listeners', 0], 'value', 2, 5],
    // An empty value is where its key is, and so is a block.
    [['listeners', 0, 'tls'], 'value', 3, 5],
    [['listeners'], 'value', 1, 1],
    [['listeners', 1], 'value', 4, 5],
    [['listeners', 1, 'tls'], 'value', 4, 26],
    [['listeners', 1, 'tls'], 'key', 4, 21],
    [['used'], 'value', 6, 7],
    [['used', 'a'], 'value', 5, 22],
    [['long', 1, 'inner'], 'value', 9, 12],
    // What is not there is where it belongs.
    [['listeners', 1, 'name'], 'value', 4, 5],
    [['listeners', 7, 'name'], 'value', 1, 1],
    [['nothing', 'below'], 'value', 1, 1],
  ] as const)('%j (%s) is at %i:%i', (path, at, line, column) => {
    expect(source.locate(path, at)).toEqual({ line, column });
  });
});

describe('hostile texts', () => {
  it('does not expand aliases of aliases', () => {
    const lines = Array.from({ length: 9 }, (_, level) => {
      const inner = level === 0 ? 'x' : `*a${level - 1}`;
      return `a${level}: &a${level} [${Array(10).fill(inner).join(', ')}]`;
    });
    expect(problemsOn({}, lines.join('\n'))).toMatchObject([{ message: expect.stringContaining('100000 values') }]);
  });

  it('survives brackets without end', () => {
    expect(problemsOn({}, `a: ${'['.repeat(50_000)}`).length).toBeGreaterThan(0);
  });

  it('does not follow an alias of itself', () => {
    expect(problemsOn({}, 'listeners: &me [*me]')).toContainEqual(
      expect.objectContaining({ path: 'listeners[0]', message: expect.stringContaining('contains itself') }),
    );
  });

  it('takes __proto__ as the unknown key that it is', () => {
    const problems = problemsOn({}, '__proto__: { listeners: [] }');
    expect(problems).toContainEqual(expect.objectContaining({ path: '__proto__', message: 'unknown key "__proto__"' }));
  });

  it('shows no control characters on a terminal', () => {
    const rendered = renderProblems(problemsOn({}, '"x\\e[2J\\n": 1'));
    expect(rendered).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});

describe('several problems', () => {
  const text = `listeners:
  - { address: "[::]:993", tls: implict }
  - adress: "127.0.0.1:143"
    tls: none
limits: { idle: soon, per_address: many }
directories:
  corp: { kind: static, file: users.yaml }
authentication: { directories: [crop] }
routes:
  - when: { hots: a }
    relay: legacy
`;

  it('are told all at once, by line', () => {
    expect(problemsOn({}, text).map(({ line, path }) => `${line} ${path}`)).toEqual([
      '2 listeners[0].tls',
      '3 listeners[1].adress',
      '5 limits.idle',
      '5 limits.per_address',
      '7 directories.corp.file',
      '8 authentication.directories[0]',
      '10 routes[0]',
      '10 routes[0].when.hots',
      '11 routes[0].relay',
    ]);
  });

  it('are rendered with place, fault and mend', () => {
    expect(renderProblems(problemsOn({}, text)).split('\n').slice(0, 4)).toEqual([
      `${CONFIG_FILE}:2:33: listeners[0].tls: "implict" is not one of implicit, starttls, none`,
      '    write implicit',
      `${CONFIG_FILE}:3:5: listeners[1].adress: unknown key "adress"`,
      '    did you mean "address"?',
    ]);
  });

  it('of an empty file are the missing sections', () => {
    const problems = problemsOn({}, '# nothing yet\n');
    expect(problems.map(({ path }) => path)).toEqual(['listeners', 'directories', 'authentication', 'routes']);
    expect(new Set(problems.map(({ line }) => line))).toEqual(new Set([1]));
  });

  it('a password of the wrong type is not repeated', () => {
    const broken =
      'directories:\n  a: { kind: ldap, bind: { dn: x, password: 918273 }, users: { base: "dc=x" }, servers: [a] }\n';
    const problems = problemsOn({}, broken);
    expect(problems).toContainEqual(
      expect.objectContaining({ path: 'directories.a.bind.password', mend: 'put it in quotes' }),
    );
    expect(renderProblems(problems)).not.toContain('918273');
  });
});
