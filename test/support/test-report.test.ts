import { describe, expect, it } from 'vitest';
import { summarize, summaryLine } from './test-report.ts';

interface FakeFile {
  readonly name?: string;
  readonly status?: string;
  readonly message?: string;
  readonly tests?: readonly string[];
}

function report(...files: readonly FakeFile[]): string {
  return JSON.stringify({
    numTotalTests: 99,
    testResults: files.map(({ name = '/p/test/a.test.ts', status = 'passed', message = '', tests = [] }) => ({
      name,
      status,
      message,
      assertionResults: tests.map((outcome, index) => ({
        ancestorTitles: ['login'],
        title: `test ${index}`,
        fullName: `login test ${index}`,
        status: outcome,
      })),
    })),
  });
}

const line = (text: string | undefined, status: number) => summaryLine(summarize(text, status, '/p'));

describe('summary of a test run', () => {
  it('counts what passed and failed', () => {
    expect(line(report({ tests: ['passed', 'passed'] }), 0)).toBe('2 passed, 0 failed');
    expect(line(report({ status: 'failed', tests: ['passed', 'failed'] }), 1)).toBe('1 passed, 1 failed');
  });

  it('counts skipped tests and names their suites', () => {
    const text = report({ tests: ['passed', 'skipped', 'pending', 'todo'] });
    expect(line(text, 0)).toBe('1 passed, 0 failed, 3 skipped');
    expect(summarize(text, 0, '/p').skippedSuites).toEqual(['test/a.test.ts: login (3)']);
  });

  it('counts a file that did not load as a failure and says which', () => {
    const text = report(
      { tests: ['passed'] },
      { name: '/p/test/b.test.ts', status: 'failed', message: 'no such module\nat x' },
    );
    expect(line(text, 1)).toBe('1 passed, 1 failed');
    expect(summarize(text, 1, '/p').complaints).toEqual(['test/b.test.ts failed as a whole: no such module']);
  });

  it('counts a hook that threw as a failure although its tests were only skipped', () => {
    expect(line(report({ status: 'failed', tests: ['skipped'] }), 1)).toBe('0 passed, 1 failed, 1 skipped');
  });

  it.each([
    ['no report', undefined, 1],
    ['half a report', '{"testResults": [', 0],
    ['a report of another shape', '{"testResults": 3}', 0],
    ['no test at all', report(), 0],
  ])('never calls %s a success', (_, text, status) => {
    expect(line(text, status)).toBe('0 passed, 1 failed');
  });

  it('does not call a run a success that vitest does not', () => {
    expect(line(report({ tests: ['passed'] }), 1)).toBe('1 passed, 1 failed');
  });
});
