import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DemoCertificates, makeDemoCertificates } from '../../src/cli/demo/certificates.ts';
import { LdapServer } from '../../src/cli/demo/ldap-server.ts';
import { BASE, directoryEntries, SERVICE_DN } from '../../src/cli/demo/people.ts';
import { runCli } from '../support/postern.ts';
import { CommandStand } from './command-stand.ts';

describe('without ca, a server is verified by the trust store of the machine', () => {
  const stand = new CommandStand();
  const folder = mkdtempSync(join(tmpdir(), 'postern-trust-'));
  let certificates: DemoCertificates;
  let server: LdapServer;
  let config: string;
  beforeAll(async () => {
    certificates = await makeDemoCertificates(folder);
    server = await LdapServer.start({ entries: directoryEntries('service'), ...certificates.issued });
    config = stand.write(
      'postern.yaml',
      `listeners: [{ address: "127.0.0.1:1143", tls: none }]
directories:
  people:
    kind: ldap
    servers: ["127.0.0.1:${server.port}"]
    bind: { dn: "${SERVICE_DN}", password: service }
    users: { base: "ou=people,${BASE}" }
authentication: { directories: [people] }
routes: [{ refuse: "no" }]
`,
    );
  });
  afterAll(async () => {
    await server.close();
    stand.remove();
    rmSync(folder, { recursive: true });
  });
  // Where OpenSSL looks for the machine's authorities; they can be named for one process.
  const trusting = () => ({ env: { SSL_CERT_FILE: certificates.authority } });

  it('to which an administrator can add an authority', async () => {
    const { code, stdout } = await runCli(['check', '--users', '--config', config], trusting());
    expect([code, stdout]).toEqual([0, expect.stringMatching(/people +routes\[0\] +refused +2 +alice/)]);
  });

  it('and refused with what would help, when its authority is not there', async () => {
    const { code, stderr } = await runCli(['check', '--users', '--config', config]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^directory people: 127\.0\.0\.1:\d+ could not be verified: .*name the certificate of its authority as "ca"$/m,
    );
    expect(stderr).not.toContain('Node');
  });

  it('which is what certs inspect tells of, too', async () => {
    const inspect = ['certs', 'inspect', `127.0.0.1:${server.port}`];
    expect((await runCli(inspect, trusting())).stdout).not.toContain('not trusted');
    expect((await runCli(inspect)).stdout).toContain("not trusted by the system's store");
  });
});
