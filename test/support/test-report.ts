import { relative } from 'node:path';
import { z } from 'zod';

/** What is read of vitest's JSON report; the rest is ignored. */
const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({ ancestorTitles: z.array(z.string()), title: z.string(), status: z.string() }),
      ),
    }),
  ),
});

export interface TestSummary {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** "file: suite (n)", one per suite that has skipped tests. */
  readonly skippedSuites: readonly string[];
  /** What failed apart from tests: files that did not load, errors outside tests. */
  readonly complaints: readonly string[];
}

/**
 * Counts a run. A file that failed without a failing test of its own (it did not load, or a hook threw) counts as one failure, and
 * so does a run that vitest calls failed although all of that went well (an error outside any test), or that ran no test.
 * @param text vitest's JSON report; undefined when it wrote none
 * @param exitStatus vitest's own verdict
 */
export function summarize(text: string | undefined, exitStatus: number, root: string): TestSummary {
  const files = parseReport(text)?.testResults;
  if (!files) {
    return { passed: 0, failed: 1, skipped: 0, skippedSuites: [], complaints: ['vitest left no readable report'] };
  }
  const count = { passed: 0, failed: 0, skipped: 0 };
  const suites = new Map<string, number>();
  const complaints: string[] = [];
  for (const file of files) {
    const path = relative(root, file.name);
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') count.passed += 1;
      else if (test.status === 'failed') failedHere += 1;
      else {
        count.skipped += 1;
        const suite = `${path}: ${test.ancestorTitles[0] ?? test.title}`;
        suites.set(suite, (suites.get(suite) ?? 0) + 1);
      }
    }
    if (file.status === 'failed' && failedHere === 0) {
      failedHere = 1;
      complaints.push(
        `${path} failed as a whole: ${file.message?.split('\n')[0] || 'a hook threw, or it did not load'}`,
      );
    }
    count.failed += failedHere;
  }
  if (count.failed === 0 && count.passed + count.skipped === 0) {
    count.failed = 1;
    complaints.push('no test ran');
  } else if (count.failed === 0 && exitStatus !== 0) {
    count.failed = 1;
    complaints.push(`vitest ended with status ${exitStatus} although no test failed: an error outside the tests`);
  }
  return { ...count, skippedSuites: [...suites].map(([suite, tests]) => `${suite} (${tests})`), complaints };
}

function parseReport(text: string | undefined): z.output<typeof reportSchema> | undefined {
  if (text === undefined) return undefined;
  try {
    return reportSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** `12 passed, 0 failed`, and `, 3 skipped` where there are any. */
export function summaryLine({ passed, failed, skipped }: TestSummary): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
