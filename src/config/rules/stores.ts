import type { Report, Rule } from '../draft.ts';
import { suggest } from '../nearest.ts';
import type { Path } from '../problem.ts';
import type { StoreConfig } from '../schema.ts';
import { DEFAULT_STORE } from '../stores.ts';

/** Octets of a mailbox's name in modified UTF-7 may be many more than its letters; this leaves room for them. */
const LONGEST_NAME = 100;

const mountsNameStores: Rule = (draft, report) => {
  const known = [...new Set([DEFAULT_STORE, ...draft.stores.keys()])];
  for (const { name, path } of draft.routes.flatMap(route => route?.stores ?? [])) {
    if (known.includes(name)) continue;
    report.error({
      path,
      message: `there is no store "${name}"`,
      mend: suggest(name, known, `write ${DEFAULT_STORE}, which is there without being described`),
    });
  }
};

/** With several, each needs a place of its own below server.data; names and places shall be decided together. */
const oneStore: Rule = (draft, report) => {
  for (const name of draft.stores.keys()) {
    if (name === DEFAULT_STORE) continue;
    report.error({
      path: ['stores', name],
      message: `a store besides "${DEFAULT_STORE}" is not part of this version`,
      mend: `name it ${DEFAULT_STORE}`,
    });
  }
};

const describedStoresUsed: Rule = (draft, report) => {
  const used = draft.routes.flatMap(route => route?.stores ?? []).map(({ name }) => name);
  // A route that is wrong in itself, or a name that is, may mean the one that seems unused.
  if (draft.routes.includes(undefined) || used.some(name => name !== DEFAULT_STORE)) return;
  if (!draft.stores.has(DEFAULT_STORE) || used.includes(DEFAULT_STORE)) return;
  report.warning({
    path: ['stores', DEFAULT_STORE],
    message: 'no route leads to this store',
    mend: `write a route with store: ${DEFAULT_STORE}, or remove it`,
  });
};

const folders: Rule = (draft, report) => {
  for (const [name, store] of draft.stores) {
    if (store) checkFolders(['stores', name, 'folders'], store.folders, report);
  }
};

function checkFolders(path: Path, wanted: StoreConfig['folders'], report: Report): void {
  const uses = new Map<string, string>();
  for (const [folder, use] of Object.entries(wanted)) {
    const fault = nameFault(folder);
    if (fault !== undefined) {
      report.error({
        path: [...path, folder],
        at: 'key',
        message: `the folder "${folder}" ${fault}`,
        mend: 'write a name such as Sent or Archive/Old; INBOX is there in any case',
      });
    }
    const other = uses.get(use);
    if (other !== undefined && use !== 'none') {
      report.error({
        path: [...path, folder],
        message: `${other} and ${folder} are both for ${use}`,
        mend: 'give each use to one folder; write none for a folder like any other',
      });
    }
    uses.set(use, folder);
  }
}

/** What IMAP cannot name (RFC 9051 §5.1), or every account has; undefined when the name is right. */
function nameFault(name: string): string | undefined {
  if (name === '') return 'has no name';
  if (name.length > LONGEST_NAME) return `has a name of more than ${LONGEST_NAME} characters`;
  if (/^inbox($|\/)/i.test(name)) return 'is the inbox, or below it';
  if (/[\p{Cc}*%]/u.test(name)) return 'has a character that no mailbox may have (*, % or a control character)';
  if (name.split('/').includes('')) return 'has an empty level';
  return undefined;
}

export const storeRules: readonly Rule[] = [mountsNameStores, oneStore, describedStoresUsed, folders];
