import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Dovecot } from './dovecot.ts';
import { ImapClient } from './imap-client.ts';
import { describeWithPeers } from './peers.ts';

describeWithPeers(['dovecot', 'openssl'], 'the Dovecot of the tests', () => {
  let dovecot: Dovecot;
  beforeAll(async () => {
    dovecot = await Dovecot.start({ masters: { boss: 'bosspw' }, proxyProtocol: true, trusted: ['127.0.0.0/8'] });
  });
  afterAll(() => dovecot.remove());

  it('is reached in clear, by STARTTLS and by TLS that verifies', async () => {
    const ca = readFileSync(dovecot.certificate.certificate);
    for (const [tls, port] of [
      ['none', dovecot.ports.plain],
      ['starttls', dovecot.ports.plain],
      ['implicit', dovecot.ports.tls],
    ] as const) {
      const client = await ImapClient.connect({ port, tls, tlsOptions: { ca, rejectUnauthorized: true } });
      expect(client.greeting).toMatch(/^\* OK .*LITERAL\+/);
      expect((await client.command('LOGIN alice secret')).tagged).toMatch(/ OK .*COMPRESS=DEFLATE/);
      await client.logout();
    }
  });

  it('refuses wrong passwords at once and lets a master in', async () => {
    const client = await ImapClient.connect({ port: dovecot.ports.plain, byteByByte: true });
    expect((await client.command('LOGIN alice wrong')).tagged).toMatch(/ NO /);
    expect((await client.command('LOGIN nobody*boss bosspw')).tagged).toMatch(/ NO /);
    expect((await client.command('LOGIN bob*boss bosspw')).tagged).toMatch(/ OK /);
    await client.logout();
  });

  it('takes the client address from a PROXY header and from ID', async () => {
    const proxied = await ImapClient.connect({
      port: dovecot.ports.proxyPlain,
      preamble: 'PROXY TCP4 192.0.2.7 127.0.0.1 4711 143\r\n',
    });
    await proxied.command('LOGIN alice secret');
    const told = await ImapClient.connect({ port: dovecot.ports.plain });
    await told.command('ID ("x-originating-ip" "192.0.2.8" "x-originating-port" "4712")');
    await told.command('LOGIN bob secret');
    await proxied.logout();
    await told.logout();
    expect(dovecot.logText()).toMatch(/user=<alice>.*rip=192\.0\.2\.7/);
    expect(dovecot.logText()).toMatch(/user=<bob>.*rip=192\.0\.2\.8/);
  });

  it('shows what is delivered, also to a client that idles and in other mailboxes', async () => {
    dovecot.deliver('alice', 'Subject: one\r\n\r\nfirst\r\n');
    dovecot.deliver('alice', 'Subject: old\r\n\r\nother\r\n', 'Archive/2020');
    const client = await ImapClient.connect({ port: dovecot.ports.plain });
    await client.command('LOGIN alice secret');
    expect((await client.command('STATUS Archive.2020 (MESSAGES)')).untagged).toContainEqual(
      expect.stringContaining('MESSAGES 1'),
    );
    expect((await client.command('SELECT INBOX')).untagged).toContain('* 1 EXISTS');
    const { untagged } = await client.command('FETCH 1 BODY[]');
    expect(untagged).toEqual(['* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[] {23}\r\nSubject: one\r\n\r\nfirst\r\n)']);
    await client.send('i IDLE');
    await client.waitFor(/^\+ .*\r\n/m);
    dovecot.deliver('alice', 'Subject: two\r\n\r\nsecond\r\n');
    await client.waitFor(/\* 2 EXISTS\r\n/);
    await client.send('DONE');
    await client.answerTo('i');
    expect((await client.command('APPEND INBOX {17}', 'Subject: x\r\n\r\nabc')).tagged).toMatch(/ OK /);
    expect((await client.command('APPEND INBOX {17+}', 'Subject: x\r\n\r\nabc')).tagged).toMatch(/ OK /);
    await client.logout();
  });

  it('freezes, thaws, dies and comes back on the same ports', async () => {
    const client = await ImapClient.connect({ port: dovecot.ports.plain, timeout: 300 });
    dovecot.freeze();
    await expect(client.command('NOOP')).rejects.toThrow(/nothing in 300 ms/);
    dovecot.thaw();
    expect((await client.answerTo('t1')).tagged).toMatch(/ OK /);
    await dovecot.kill();
    await client.closed;
    await expect(ImapClient.connect({ port: dovecot.ports.plain })).rejects.toThrow();
    await dovecot.start();
    await (await ImapClient.connect({ port: dovecot.ports.plain })).logout();
  });

  it('announces what it is told to', async () => {
    const old = await Dovecot.start({ capability: 'IMAP4rev1 ID IDLE', anyUserWith: 'pw', compress: false });
    try {
      const client = await ImapClient.connect({ port: old.ports.plain });
      expect(client.greeting).toMatch(/CAPABILITY IMAP4rev1 ID IDLE STARTTLS AUTH=PLAIN AUTH=LOGIN\]/);
      expect((await client.command('LOGIN anybody pw')).tagged).toMatch(/CAPABILITY IMAP4rev1 ID IDLE\]/);
      await client.logout();
    } finally {
      await old.remove();
    }
  });
});
