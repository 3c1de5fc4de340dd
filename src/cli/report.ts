import { parseArguments } from './arguments.ts';
import { type LoginLine, LogUnreadable, loginLines, type Skipped } from './audit-file.ts';
import { type CliCommand, type CliIo, EXIT, UsageError } from './command.ts';
import { loadOrExplain } from './config-file.ts';
import { CONCERNS, type Concern, TlsReport, type TlsUse } from './report-tls.ts';
import { renderTable } from './table.ts';

const WORDS: Readonly<Record<Concern, string>> = {
  clear: 'password in clear, without TLS',
  'weak-cipher': 'weak cipher (no forward secrecy, or no authenticated encryption)',
  'old-tls': 'TLS below 1.3',
  'old-mechanism': 'SASL LOGIN, never standardised',
  'plain-mechanism': 'the password itself is sent within TLS (PLAIN, LOGIN command)',
};

/** Everybody's, as a rule; counted, and listed when asked for. */
const USUAL: readonly Concern[] = ['plain-mechanism'];

const usage = `usage: postern report tls [LOG ...] [--only CONCERN ...] [--since DAY] [--failed] [--config FILE] [--json]

Tells from audit logs who still logs in without TLS, with old versions, weak ciphers or plain mechanisms: a line for each user and client.
Without LOG, the audit log that the configuration names. LOG may end in .gz; - is standard input.

  --only CONCERN   ${CONCERNS.join(', ')};
                   may be repeated; default: all but ${USUAL.join(', ')}, which is only counted
  --since DAY      from this day on (2026-11-30, UTC)
  --failed         also logins that were refused
  --json           one JSON object per user and client, then { "logins", "counts" }
Exit status: 0 nobody is listed; 1 somebody is; 3 a log cannot be read; 78 the configuration is wrong.
`;

const UNREADABLE = 3;

/** `postern report`: what the audit log has to say. */
export const report: CliCommand = {
  name: 'report',
  summary: 'tell from the audit log what users log in with',
  usage,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, {
      config: { type: 'string' },
      only: { type: 'string', multiple: true },
      since: { type: 'string' },
      failed: { type: 'boolean' },
      json: { type: 'boolean' },
    });
    const [what, ...named] = positionals;
    if (what !== 'tls') throw new UsageError('say what to report: tls');
    const only = (values.only ?? CONCERNS.filter(concern => !USUAL.includes(concern))).map(concernOf);
    const { since = '' } = values;
    if (since !== '' && !/^\d{4}-\d\d-\d\d$/.test(since))
      throw new UsageError(`"${since}" is no day; write 2026-11-30`);
    const files = named.length > 0 ? named : auditLogOf(values.config, io);
    if (typeof files === 'number') return files;
    const tls = new TlsReport();
    const skipped: Skipped = { lines: 0 };
    const wanted = ({ time, outcome }: LoginLine) => time >= since && (values.failed === true || outcome === 'ok');
    try {
      for await (const line of loginLines(files, io, skipped)) if (wanted(line)) tls.add(line);
    } catch (error) {
      if (!(error instanceof LogUnreadable)) throw error;
      io.stderr(`postern: ${error.message}\n`);
      return UNREADABLE;
    }
    if (skipped.lines > 0) io.stderr(`Lines that could not be read: ${skipped.lines}\n`);
    const uses = tls.uses(only);
    if (values.json) {
      for (const use of uses) io.stdout(`${JSON.stringify(use)}\n`);
      io.stdout(`${JSON.stringify({ logins: tls.logins, counts: tls.counts() })}\n`);
    } else {
      render(tls, uses, io);
    }
    return uses.length > 0 ? EXIT.failure : EXIT.ok;
  },
};

function concernOf(text: string): Concern {
  const concern = CONCERNS.find(known => known === text);
  if (concern === undefined) throw new UsageError(`--only knows ${CONCERNS.join(', ')}, not "${text}"`);
  return concern;
}

/** The files, or the exit status. */
function auditLogOf(config: string | undefined, io: CliIo): readonly string[] | number {
  const loaded = loadOrExplain(config, io);
  if (typeof loaded === 'number') return loaded;
  const file = loaded.config.log.audit.file ?? loaded.config.log.file;
  if (file !== undefined) return [file];
  throw new UsageError('the configuration has the audit log on standard output; name the file that it is kept in');
}

function render(tls: TlsReport, uses: readonly TlsUse[], io: CliIo): void {
  const columns = [
    { title: 'LOGIN' },
    { title: 'CLIENT' },
    { title: 'TLS' },
    { title: 'CIPHER' },
    { title: 'MECHANISM' },
    { title: 'LOGINS', right: true },
    { title: 'LAST' },
    { title: 'FROM' },
    { title: 'CONCERNS' },
  ];
  const rows = uses.map(({ login, client, tls: version, cipher, mechanism, logins, last, address, concerns }) => [
    login,
    client || '-',
    version,
    cipher || '-',
    mechanism,
    String(logins),
    last.slice(0, 16).replace('T', ' '),
    address,
    concerns.join(', '),
  ]);
  if (rows.length > 0) io.stdout(`${renderTable(columns, rows)}\n`);
  io.stdout(`${tls.logins} logins\n`);
  const counts = tls.counts();
  for (const concern of CONCERNS) {
    const { logins, users } = counts[concern];
    if (logins > 0) io.stdout(`${logins} of ${users} users: ${WORDS[concern]} (${concern})\n`);
  }
}
