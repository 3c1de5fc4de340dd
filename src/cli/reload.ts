import { renderProblems } from '../config/problem.ts';
import { reloadReport } from '../observe/admin-reports.ts';
import { ADMIN_OPTIONS, ADMIN_USAGE, adminSocketOf, callAdmin, checked, reportingFailure } from './admin-client.ts';
import { parseArguments } from './arguments.ts';
import { type CliCommand, EXIT, UsageError } from './command.ts';

/** `postern reload`: has the running server read its configuration again. */
export const reload: CliCommand = {
  name: 'reload',
  summary: 'apply the changed configuration without dropping a connection',
  usage: `usage: postern reload

Has the running server read its configuration again. A wrong one changes nothing; what is wrong is
printed, and the exit status is ${EXIT.configuration}.

${ADMIN_USAGE}`,
  async run(args, io) {
    const { values, positionals } = parseArguments(args, ADMIN_OPTIONS);
    if (positionals.length > 0) throw new UsageError(`reload takes no "${positionals.join(' ')}"`);
    const socket = adminSocketOf(values, io);
    return reportingFailure(io, async () => {
      const report = checked(reloadReport, await callAdmin(socket, { command: 'reload' }));
      if (!report.ok) {
        io.stderr(renderProblems(report.problems));
        io.stderr('Nothing was changed.\n');
        return EXIT.configuration;
      }
      if (report.warnings.length > 0) io.stderr(renderProblems(report.warnings));
      for (const change of report.applied) io.stdout(`applied: ${change}\n`);
      for (const change of report.needsRestart) io.stdout(`needs a restart: ${change}\n`);
      if (report.applied.length + report.needsRestart.length === 0) io.stdout('Nothing has changed.\n');
      return EXIT.ok;
    });
  },
};
