import { formatServer, isLoopback } from '../address.ts';
import type { Report } from '../draft.ts';
import type { Path } from '../problem.ts';
import type { OutgoingTls } from '../schema.ts';

type Outgoing = OutgoingTls & { readonly allow_plaintext: boolean };

/** What directories and upstreams must both keep. */
export function checkOutgoing(path: Path, config: Outgoing, report: Report): void {
  if (config.tls !== 'none') {
    if (config.allow_plaintext) {
      report.warning({
        path: [...path, 'allow_plaintext'],
        message: `allow_plaintext has no effect with tls: ${config.tls}`,
        mend: 'remove it',
      });
    }
    return;
  }
  const far = config.servers.find(server => !isLoopback(server.host));
  if (far && !config.allow_plaintext) {
    report.error({
      path: [...path, 'tls'],
      message: `tls: none towards ${formatServer(far)} would let passwords cross the network in clear`,
      mend: 'write tls: implicit or starttls, or add allow_plaintext: true',
    });
  }
  for (const key of ['ca', 'server_name', 'client_certificate'] as const) {
    if (config[key] !== undefined) warnUseless(path, key, report);
  }
  if (config.pin.length > 0) warnUseless(path, 'pin', report);
}

function warnUseless(path: Path, key: string, report: Report): void {
  report.warning({
    path: [...path, key],
    message: `${key} has no effect with tls: none`,
    mend: 'remove it, or use TLS',
  });
}

const PLACEHOLDERS = ['{login}', '{local}', '{domain}'] as const;

/** The placeholders of a template that nobody replaces; they would be taken literally. */
export function unknownPlaceholders(template: string, known: readonly string[] = PLACEHOLDERS): readonly string[] {
  return (template.match(/\{[^{}]*\}/g) ?? []).filter(name => !known.includes(name));
}

/** Whether a template tells one user from another. */
export function namesUser(template: string, known: readonly string[] = PLACEHOLDERS): boolean {
  return known.some(name => template.includes(name));
}

/** Reports a template that has placeholders nobody replaces, or none that tells users apart. True when it is right. */
export function checkTemplate(
  path: Path,
  template: string,
  report: Report,
  known: readonly string[] = PLACEHOLDERS,
): boolean {
  const [unknown] = unknownPlaceholders(template, known);
  if (unknown !== undefined) {
    const message = `there is no placeholder ${unknown}`;
    report.error({ path, message, mend: `write ${known.join(', ')}` });
    return false;
  }
  if (!namesUser(template, known)) {
    report.error({
      path,
      message: 'the template is the same for every user',
      mend: `write ${known.join(', ')} where the login belongs`,
    });
    return false;
  }
  return true;
}
