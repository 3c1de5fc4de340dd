import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { Client } from 'ldapts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLdapDirectory } from '../../src/auth/ldap/directory.ts';
import { type DemoCertificates, makeDemoCertificates } from '../../src/cli/demo/certificates.ts';
import { LdapServer } from '../../src/cli/demo/ldap-server.ts';
import { BASE, directoryEntries, SERVICE_DN } from '../../src/cli/demo/people.ts';
import { directoryConformance } from '../conformance/directory.ts';
import { ldapConfig, silentLog } from '../support/ldap-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'postern-demo-directory-'));
const ALICE = `uid=alice,ou=people,${BASE}`;

async function start(): Promise<{ server: LdapServer; certificates: DemoCertificates }> {
  const certificates = await makeDemoCertificates(mkdtempSync(join(folder, 'certs-')));
  const server = await LdapServer.start({ entries: directoryEntries('service'), ...certificates.issued });
  return { server, certificates };
}

afterAll(() => rmSync(folder, { recursive: true, force: true }));

directoryConformance("the demonstration's directory", async () => {
  const { server, certificates } = await start();
  const bind = { dn: SERVICE_DN, password: 'service' };
  const choices = { servers: [server.port], tls: 'implicit', bind, base: `ou=people,${BASE}` } as const;
  const config = { ...(await ldapConfig(choices)), ca: certificates.authority };
  return {
    directory: openLdapDirectory('people', config, { log: silentLog }),
    alice: { login: 'alice', password: 'secret', name: 'alice', mail: 'alice@example.org' },
    bob: { login: 'bob', password: 'secret', name: 'bob', mail: 'bob@example.org' },
    users: 2,
    close: () => server.close(),
  };
});

describe("the demonstration's directory", () => {
  let server: LdapServer;
  let ca: Buffer;
  let client: Client;
  beforeAll(async () => {
    const started = await start();
    server = started.server;
    ca = readFileSync(started.certificates.authority);
    client = new Client({ url: `ldaps://127.0.0.1:${server.port}`, timeout: 5000, tlsOptions: { ca } });
    await client.bind(SERVICE_DN, 'service');
  });
  afterAll(async () => {
    await client.unbind();
    await server.close();
  });
  const names = async (filter: string, options: { base?: string; scope?: 'base' | 'one' | 'sub' } = {}) => {
    const { searchEntries } = await client.search(options.base ?? BASE, { filter, ...options });
    return searchEntries.map(({ dn }) => dn.replace(/,.*/, ''));
  };

  it.each([
    ['(uid=ALICE)', ['uid=alice']],
    ['(UID=alice)', ['uid=alice']],
    ['(uid=*)', ['uid=alice', 'uid=bob']],
    ['(uid=a*e)', ['uid=alice']],
    ['(uid=*lic*)', ['uid=alice']],
    ['(uid=al*lice)', []],
    ['(mail=*@example.org)', ['uid=alice', 'uid=bob']],
    ['(&(objectClass=inetOrgPerson)(|(uid=bob)(mail=bob)))', ['uid=bob']],
    ['(&(objectClass=inetOrgPerson)(!(uid=bob)))', ['uid=alice']],
    ['(&(uid=bob)(uid=alice))', []],
    ['(uid=)', []],
    // Neither it nor its contrary is known (RFC 4511 §4.5.1.7).
    ['(uid>=a)', []],
    ['(!(uid>=a))', []],
    ['(|(uid>=a)(uid=bob))', ['uid=bob']],
    ['(userPassword=*)', []],
  ])('finds by %s', async (filter, found) => expect(await names(filter)).toEqual(found));

  it('keeps to the base and scope', async () => {
    const people = `OU=People, ${BASE}`;
    expect(await names('(objectClass=*)', { base: people, scope: 'base' })).toEqual(['ou=people']);
    expect(await names('(objectClass=*)', { base: people, scope: 'one' })).toEqual(['uid=alice', 'uid=bob']);
    expect(await names('(objectClass=*)', { base: people, scope: 'sub' })).toEqual([
      'ou=people',
      'uid=alice',
      'uid=bob',
    ]);
    await expect(names('(uid=*)', { base: 'dc=elsewhere' })).rejects.toMatchObject({ code: 32 });
  });

  it('sends the attributes asked for, and no password', async () => {
    const { searchEntries } = await client.search(ALICE, { attributes: ['MAIL', 'entryUUID', 'userPassword'] });
    expect(searchEntries).toEqual([
      // Attributes that did not come are empty lists to this client.
      { dn: ALICE, entryUUID: expect.stringMatching(/^[0-9a-f-]{36}$/), mail: 'alice@example.org', userPassword: [] },
    ]);
    const whole = await client.search(ALICE);
    expect(whole.searchEntries[0]).toMatchObject({ cn: 'Alice Arnesen' });
    expect(whole.searchEntries[0]).not.toHaveProperty('memberOf');
  });

  it('sends no more than the size limit, and says so', async () => {
    await expect(client.search(BASE, { filter: '(uid=*)', sizeLimit: 1, paged: false })).resolves.toMatchObject({
      searchEntries: [{ dn: ALICE }],
    });
  });

  it.each([
    ['a wrong password', ALICE, 'wrong', 49],
    ['somebody who is not there', `uid=nobody,${BASE}`, 'secret', 49],
    ['an entry without a password', BASE, 'secret', 49],
    ['an empty password', ALICE, '', 53],
  ])('does not bind %s, and is not searched then', async (_, dn, password, code) => {
    const other = new Client({ url: `ldaps://127.0.0.1:${server.port}`, timeout: 5000, tlsOptions: { ca } });
    await other.bind(ALICE, 'secret');
    expect((await other.search(ALICE)).searchEntries).toHaveLength(1);
    await expect(other.bind(dn, password)).rejects.toMatchObject({ code });
    await expect(other.search(ALICE)).rejects.toMatchObject({ code: 50 });
    await other.unbind();
  });

  it('is not written to', async () => {
    await expect(client.del(ALICE)).rejects.toMatchObject({ code: 53 });
    await expect(client.exop('1.3.6.1.4.1.4203.1.11.3')).rejects.toMatchObject({ code: 2 });
    expect(await names('(uid=alice)')).toEqual(['uid=alice']);
  });

  it.each([
    ['text', Buffer.from('a001 LOGIN alice secret\r\n')],
    ['a message that is announced too long', Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff])],
    ['lengths that lie', Buffer.from([0x30, 5, 2, 1, 1, 0x60, 0x7f])],
    ['filters within filters', nestedFilter(2000)],
    ['an operation that is none', Buffer.from([0x30, 5, 2, 1, 1, 0x7e, 0])],
  ])('hangs up on %s, and serves others', async (_, bytes) => {
    const socket = connectTls({ host: '127.0.0.1', port: server.port, ca }, () => socket.write(bytes));
    socket.on('error', () => {});
    socket.resume();
    await new Promise(resolve => socket.once('close', resolve));
    expect(await names('(uid=alice)')).toEqual(['uid=alice']);
  });

  it('lives on when clients come without TLS or vanish', async () => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write('hello\r\n'));
    socket.on('error', () => {});
    socket.resume();
    await new Promise(resolve => socket.once('close', resolve));
    expect(await names('(uid=bob)')).toEqual(['uid=bob']);
  });
});

/** A search (message 1) whose filter is "not" so many times. */
function nestedFilter(depth: number): Buffer {
  const wrap = (tag: number, ...contents: Buffer[]): Buffer => {
    const content = Buffer.concat(contents);
    const header = Buffer.from([tag, 0x82, 0, 0]);
    header.writeUInt16BE(content.length, 2);
    return Buffer.concat([header, content]);
  };
  let filter = wrap(0x87, Buffer.from('uid'));
  for (let level = 0; level < depth; level += 1) filter = wrap(0xa2, filter);
  const before = Buffer.from([4, 0, 10, 1, 2, 10, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1, 0]);
  return wrap(0x30, Buffer.from([2, 1, 1]), wrap(0x63, before, filter, wrap(0x30)));
}
