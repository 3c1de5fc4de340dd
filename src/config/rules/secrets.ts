import type { Report, Rule } from '../draft.ts';
import type { Path } from '../problem.ts';
import type { Surroundings } from '../surroundings.ts';
import { keyPairs } from './certificates.ts';

const OTHERS_MAY_READ = 0o004;

const secretFilesPrivate: Rule = (draft, report, around) => {
  for (const { path, file } of draft.secrets) {
    if (file !== undefined) warnIfPublic(path, around.resolvePath(file), 'the secret is in', report, around);
  }
  for (const { path, pair } of keyPairs(draft)) {
    warnIfPublic([...path, 'key'], pair.key, 'the private key is in', report, around);
  }
  for (const [name, directory] of draft.directories) {
    if (directory?.kind !== 'static') continue;
    warnIfPublic(['directories', name, 'file'], directory.file, 'the hashes are in', report, around);
  }
};

function warnIfPublic(path: Path, file: string, what: string, report: Report, around: Surroundings): void {
  if (((around.fileMode(file) ?? 0) & OTHERS_MAY_READ) === 0) return;
  report.warning({
    path,
    message: `${what} ${file}, which everybody on this machine may read`,
    mend: `chmod o-rwx ${file}`,
  });
}

const configurationPrivate: Rule = (draft, report, around) => {
  const [literal] = draft.secrets.filter(({ file }) => file === undefined);
  if (literal) warnIfPublic(literal.path, draft.file, 'this password stands in', report, around);
};

export const secretRules: readonly Rule[] = [secretFilesPrivate, configurationPrivate];
