import type { MailError } from '../mail/mail-error.ts';
import { ANSWERS } from './answers.ts';

/** How a command ended (RFC 9051 §7.1). */
export interface Status {
  readonly status: 'OK' | 'NO' | 'BAD';
  /** Response code without its brackets. */
  readonly code?: string;
  readonly text: string;
}

/** One line: `tag OK [CODE] text`. Text never brings its own line end, whoever wrote it. */
export function renderStatus(
  tag: string,
  { status, code, text }: { status: Status['status'] | 'BYE'; code?: string; text: string },
): string {
  const line = code === undefined ? text : `[${code}] ${text}`;
  return `${tag} ${status} ${line.replace(/[\r\n\0]+/g, ' ')}\r\n`;
}

/** What a client is told of a failure; the detail stays in the log. */
export function statusOf(error: MailError): Status {
  const { code, text } = ANSWERS[error.kind];
  return { status: 'NO', code, text: error.answer ?? text };
}
