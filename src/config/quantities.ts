import { z } from 'zod';
import { fault } from './fault.ts';

const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Timers of Node hold 31 bits of milliseconds (24.8 days); a longer one would fire at once. */
const LONGEST_DURATION = 24 * 86_400_000;

/** Milliseconds from `250ms`, `5s`, `30m`, `12h`, `7d` or a bare 0; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const unit = DURATION_UNITS[match?.[2] ?? ''];
  return match?.[1] === undefined || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** Bytes from `8k`, `64k`, `100m`, `1g` or a bare number; undefined when it is none of these. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([bkmg]?)$/i.exec(text);
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? ' '];
  return match?.[1] === undefined || unit === undefined ? undefined : Math.round(Number(match[1]) * unit);
}

/** Ten years: for ages that are compared with the clock. */
export const LONGEST_AGE = 3650 * 86_400_000;

/**
 * A duration in the configuration; milliseconds once loaded. 0 is allowed where the description gives it a meaning.
 * @param longest in milliseconds: of a timer unless told
 */
export function duration(
  description: string,
  zero: 'zero allowed' | 'more than zero' = 'more than zero',
  longest = LONGEST_DURATION,
) {
  return z
    .union([z.string(), z.literal(0)])
    .meta({ description, title: 'duration', examples: ['500ms', '5s', '30m', '12h', '7d'] })
    .transform((value, context) => {
      const parsed = parseDuration(String(value));
      if (parsed === undefined) {
        fault(context, `"${value}" is not a duration`, 'write it as 500ms, 5s, 30m, 12h or 7d');
      } else if (parsed > longest) {
        const days = longest / 86_400_000;
        fault(context, `"${value}" is longer than ${days} days`, `write ${days}d or less`);
      } else if (parsed === 0 && zero === 'more than zero') {
        fault(context, 'a duration of 0 makes no sense here', 'write it as 500ms, 5s, 30m, 12h or 7d');
      } else {
        return parsed;
      }
      return z.NEVER;
    });
}

/** A size in the configuration; bytes once loaded. */
export function size(description: string) {
  return z
    .union([z.string(), z.int().nonnegative()])
    .meta({ description, title: 'size', examples: ['8k', '64k', '100m', '1g', 4096] })
    .transform((value, context) => {
      const parsed = parseSize(String(value));
      if (parsed !== undefined && parsed > 0 && Number.isSafeInteger(parsed)) return parsed;
      fault(
        context,
        parsed === 0 ? 'a size of 0 lets nothing through' : `"${value}" is not a size`,
        'write it as 8k, 64k, 100m, 1g or a number of bytes',
      );
      return z.NEVER;
    });
}
