import type { z } from 'zod';

/** What a check adds to its issue, so that the administrator reads what would be right besides what is wrong. */
export interface FaultParams {
  readonly mend: string;
  /** Says nothing new where an unknown key was found at the same place: the misspelt key is the cause. */
  readonly followsUnknownKey?: boolean;
}

/** Reports a fault from within a zod transform; the loader turns it into a problem with its place. */
export function fault(context: z.core.$RefinementCtx, message: string, mend: string): void {
  context.addIssue({ code: 'custom', message, params: { mend } satisfies FaultParams });
}

/** A fault for zod checks that take no params (patterns): message and mend in one text, parted by "; ". */
export function splitFault(text: string): { message: string; mend: string } {
  const at = text.indexOf('; ');
  return at === -1
    ? { message: text, mend: 'correct the value' }
    : { message: text.slice(0, at), mend: text.slice(at + 2) };
}
