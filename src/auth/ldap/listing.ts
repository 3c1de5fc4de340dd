import { AuthError } from '../directory.ts';
import type { Connection, SearchQuestion } from './connection.ts';
import type { LdapEntry } from './response.ts';
import { judgeSearch, saysMoreEntries } from './result-codes.ts';

const PAGE = 500;

/**
 * Every entry that matches, a page at a time (RFC 2696), so that neither side holds them all. An empty page does not end a listing, as
 * long as it comes with a cookie; Active Directory sends such.
 *
 * @param timeout milliseconds for each page
 * @throws AuthError, ServerFailure, or the signal's reason
 */
export async function* listEntries(
  connection: Connection,
  question: SearchQuestion,
  timeout: number,
  signal: AbortSignal,
): AsyncIterable<LdapEntry> {
  let cookie: Buffer | undefined;
  do {
    signal.throwIfAborted();
    const page = { size: PAGE, cookie };
    const answer = await connection.search({ ...question, page }, performance.now() + timeout);
    judgeSearch(answer.result, question.base, connection.server);
    if (saysMoreEntries(answer.result)) {
      throw new AuthError(
        'misconfigured',
        `${connection.server} does not list all entries to the service account; raise its size limit (size.prtotal in OpenLDAP)`,
      );
    }
    yield* answer.entries;
    cookie = answer.cookie;
  } while (cookie);
}
