import type { Draft, Report, Rule } from '../draft.ts';
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

/** Mechanisms after which there is a password for `as: user` to use upstream. */
const SHOWING = ['PLAIN', 'LOGIN'];

/** Impossible where nobody ever shows a password; elsewhere it depends on what the client chooses. */
const mechanismsLeavePasswords: Rule = (draft, report) => {
  const hiding = draft.mechanisms.filter(name => !SHOWING.includes(name));
  if (hiding.length === 0) return;
  const impossible = hiding.length === draft.mechanisms.length;
  for (const name of relayedByOwnPassword(draft)) {
    const finding = {
      path: ['upstreams', name],
      message: `users log in here with their own password (login: user), which ${hiding.join(', ')} does not show: ${impossible ? 'nobody' : 'no client that chooses it'} can be relayed`,
      mend: 'write login: { as: master, ... } or { as: authzid, ... } for this upstream, or offer PLAIN and LOGIN alone',
    };
    if (impossible) report.error(finding);
    else report.warning(finding);
  }
};

/** Upstreams that a route can lead to and where users log in as themselves. */
function relayedByOwnPassword({ routes, upstreams }: Draft): readonly string[] {
  const relays = routes.map(route => route?.relay);
  const own = [...upstreams].filter(([, upstream]) => upstream?.login.as === 'user').map(([name]) => name);
  return relays.includes('{host}') ? own : own.filter(name => relays.includes(name));
}

/** What users log in with is what is sent there, and an app password is known here only. */
const appPasswordsOpenUpstreams: Rule = (draft, report) => {
  if (!draft.appPasswords) return;
  for (const name of relayedByOwnPassword(draft)) {
    report.warning({
      path: ['upstreams', name],
      message:
        'app passwords are refused for users who are relayed here, since their own password is what logs in there',
      mend: 'write login: { as: master, ... } or { as: authzid, ... } for this upstream, or live with it',
    });
  }
};

export const upstreamRules: readonly Rule[] = [upstreams, appPasswordsOpenUpstreams, mechanismsLeavePasswords];
