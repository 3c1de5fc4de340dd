import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, expect, it } from 'vitest';
import { type Issued, issueServerCertificate, makeAuthority } from '../../src/pki/authority.ts';
import { parsePrivateKey } from '../../src/pki/keys.ts';
import { fetchPeerCertificates } from '../../src/pki/peer.ts';
import { parseSubjectNames } from '../../src/pki/subject-names.ts';

let issued: Issued;
let ca: string;
const servers: Server[] = [];
const sockets: Socket[] = [];

beforeAll(async () => {
  const made = await makeAuthority({ name: 'CA' });
  ca = made.certificate;
  issued = await issueServerCertificate(
    { certificate: new X509Certificate(ca), key: parsePrivateKey(made.key) },
    { names: parseSubjectNames(['localhost']) },
  );
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function serve(connected: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server = createTcpServer(socket => {
    sockets.push(socket.on('error', () => {}));
    connected(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { host: '127.0.0.1', port: address.port };
}

function secure(socket: Socket): void {
  new TLSSocket(socket, { isServer: true, cert: issued.certificate + ca, key: issued.key }).on('error', () => {});
}

/** Says `greeting`, answers the first bytes that come with `answer`, then starts TLS if that was consent. */
function upgrade(greeting: string, expected: RegExp, answer: string | Buffer, consent = true) {
  return serve(socket => {
    socket.write(greeting);
    socket.once('data', chunk => {
      if (!expected.test(chunk.toString('latin1'))) {
        socket.destroy();
        return;
      }
      socket.write(answer);
      if (consent) secure(socket);
    });
  });
}

const LDAP_REQUEST = /^\x30\x1d\x02\x01\x01\x77\x18\x80\x161\.3\.6\.1\.4\.1\.1466\.20037$/;
const ldapAnswer = (code: number) => Buffer.from([0x30, 12, 2, 1, 1, 0x78, 7, 0x0a, 1, code, 4, 0, 4, 0]);

it('shows the chain of a server that nobody trusts, and says so', async () => {
  const seen = await fetchPeerCertificates(await serve(secure), 'implicit', 5000);
  expect(seen.certificates.map(one => one.subject)).toEqual(['CN=localhost', 'CN=CA']);
  expect(seen.refusal).toMatch(/SELF_SIGNED/);
  expect(seen.protocol).toBe('TLSv1.3');
});

it('starts TLS in IMAP and in LDAP', async () => {
  const imap = await upgrade('* OK hello\r\n', /^a STARTTLS\r\n$/, 'a OK go\r\n');
  expect((await fetchPeerCertificates(imap, 'imap', 5000)).certificates).toHaveLength(2);
  const ldap = await upgrade('', LDAP_REQUEST, ldapAnswer(0));
  expect((await fetchPeerCertificates(ldap, 'ldap', 5000)).certificates).toHaveLength(2);
});

it('says when a server will not, does not speak TLS, hangs up, or says nothing', async () => {
  const imap = await upgrade('* OK hello\r\n', /STARTTLS/, 'a BAD what\r\n', false);
  await expect(fetchPeerCertificates(imap, 'imap', 5000)).rejects.toThrow(/refused STARTTLS: a BAD what/);
  const ldap = await upgrade('', LDAP_REQUEST, ldapAnswer(52), false);
  await expect(fetchPeerCertificates(ldap, 'ldap', 5000)).rejects.toThrow(/refused StartTLS/);
  const plain = await serve(socket => socket.write('* OK hello\r\n'));
  await expect(fetchPeerCertificates(plain, 'implicit', 5000)).rejects.toThrow(/SSL|wrong version/i);
  for (const how of ['implicit', 'imap', 'ldap'] as const) {
    const closing = await serve(socket => socket.end());
    await expect(fetchPeerCertificates(closing, how, 5000)).rejects.toThrow(/closed|disconnected|reset/i);
    const silent = await serve(() => {});
    await expect(fetchPeerCertificates(silent, how, 100)).rejects.toThrow(/no answer within 0.1 s/);
  }
  const chatty = await serve(socket => socket.write('x'.repeat(10_000)));
  await expect(fetchPeerCertificates(chatty, 'imap', 5000)).rejects.toThrow(/expected protocol/);
});
