import type { Directory } from '../../src/auth/directory.ts';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import { kindOf, loginName } from '../conformance/directory.ts';
import { type LdapOddities, ldapAnswers } from './ldap-answers.ts';
import { type LdapConfigChoices, ldapConfig, silentLog } from './ldap-config.ts';
import { LdapServer } from './ldap-server.ts';
import { RecordingProxy } from './recording-proxy.ts';
import { testCa } from './test-ca.ts';

const cleanups: (() => Promise<void>)[] = [];

/** Ends all stages, directories first. */
export async function endStages(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export interface Stage {
  readonly server: LdapServer;
  readonly proxy: RecordingProxy;
  readonly directory: Directory;
  login(uid: string, password?: string): Promise<string>;
}

/** A directory, a proxy that records what it says, and a server with oddities. */
export async function stage(odd: LdapOddities = {}, choices: Partial<LdapConfigChoices> = {}): Promise<Stage> {
  const server = await LdapServer.start({
    handler: ldapAnswers(odd),
    certificate: (await testCa()).good,
    implicit: choices.tls === 'implicit',
  });
  cleanups.push(() => server.stop());
  const proxy = await RecordingProxy.start(server);
  cleanups.push(() => proxy.stop());
  const config = await ldapConfig({ servers: [proxy.port], timeout: 2000, ...choices });
  const directory = openLdapDirectory('corp', config, { log: silentLog });
  cleanups.push(() => directory.close());
  const signal = new AbortController().signal;
  const login = async (uid: string, password = 'secret') => {
    const answer = directory.authenticate(loginName(uid), password, signal);
    return (await kindOf(answer)) === 'no error' ? `welcome ${(await answer).name}` : kindOf(answer);
  };
  return { server, proxy, directory, login };
}
