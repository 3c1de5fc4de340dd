import type { Report, Rule } from '../draft.ts';
import type { Path } from '../problem.ts';
import type { UpstreamConfig } from '../schema.ts';
import { checkOutgoing, namesUser, unknownPlaceholders } from './outgoing.ts';

/** Besides the login as it was typed, the user's names in the directory: who logs in by mail address may be `uid` upstream. */
const NAMES = ['{login}', '{local}', '{domain}', '{name}', '{mail}'];
const WRITE_A_NAME = 'write {login}, {local}, {domain}, {name} or {mail}';

const upstreams: Rule = (draft, report) => {
  for (const [name, upstream] of draft.upstreams) {
    if (!upstream) continue;
    const path: Path = ['upstreams', name];
    checkOutgoing(path, upstream, report);
    checkLogin([...path, 'login'], upstream.login, report);
  }
};

/**
 * PLAIN and LOGIN both leave a password for `as: user` to use upstream. A mechanism that leaves none (GSSAPI, SCRAM, OAUTHBEARER)
 * makes that combination impossible: it is to be refused here when the schema offers the first such mechanism.
 */
function checkLogin(path: Path, login: UpstreamConfig['login'], report: Report): void {
  const [unknown] = unknownPlaceholders(login.name, NAMES);
  if (unknown !== undefined) {
    const message = `there is no placeholder ${unknown}`;
    report.error({ path: [...path, 'name'], message, mend: WRITE_A_NAME });
  } else if (!namesUser(login.name, NAMES)) {
    // Routes by user can make this right, so it is allowed.
    report.warning({
      path: [...path, 'name'],
      message: 'every user gets the same name, and so the same mailbox, at this upstream',
      mend: `${WRITE_A_NAME} where the name belongs`,
    });
  }
  if (login.as !== 'master') return;
  const [odd] = unknownPlaceholders(login.format, ['{user}', '{master}']);
  if (odd === undefined) return;
  report.error({
    path: [...path, 'format'],
    message: `there is no placeholder ${odd} in a format`,
    mend: 'write {user} for the mail user and {master} for the master user, such as "{user}*{master}"',
  });
}

/** What users log in with is what is sent there, and an app password is known here only. */
const appPasswordsOpenUpstreams: Rule = (draft, report) => {
  if (!draft.appPasswords) return;
  const relays = draft.routes.map(route => route?.relay);
  for (const [name, upstream] of draft.upstreams) {
    if (upstream?.login.as !== 'user' || !(relays.includes(name) || relays.includes('{host}'))) continue;
    report.warning({
      path: ['upstreams', name],
      message:
        'app passwords are refused for users who are relayed here, since their own password is what logs in there',
      mend: 'write login: { as: master, ... } or { as: authzid, ... } for this upstream, or live with it',
    });
  }
};

export const upstreamRules: readonly Rule[] = [upstreams, appPasswordsOpenUpstreams];
