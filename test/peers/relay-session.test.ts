import { once } from 'node:events';
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import type { ImapClient } from '../support/imap-client.ts';
import { describeWithPeers } from '../support/peers.ts';
import { until } from '../support/processes.ts';
import { clear, complaints, nobodyLeft, RelayStand, tls } from '../support/relay-stand.ts';

const stand = new RelayStand();
afterEach(() => stand.close());

const message = (text: string) => `Subject: ${text}\r\n\r\n${text}\r\n`;

describeWithPeers(['dovecot', 'openssl'], 'a session relayed to Dovecot', () => {
  for (const kind of ['implicit', 'starttls', 'none'] as const) {
    it(`is that server's own from the login on (listener with tls: ${kind})`, async () => {
      const dovecot = await stand.dovecot();
      const postern = await stand.postern({ upstreams: { store: clear(dovecot) } });
      dovecot.deliver('alice', message('first'));
      const client = await stand.client(postern, kind);
      expect(client.greeting).toMatch(/^\* OK \[CAPABILITY IMAP4rev1 [^\]]*\] mail\.example\.org ready\.$/);
      const { tagged } = await client.command('LOGIN alice secret');
      expect(tagged).toMatch(/^t\d+ OK \[CAPABILITY IMAP4rev1 .*\bCONDSTORE\b.*\] /);
      expect((await client.command('SELECT INBOX')).untagged).toContain('* 1 EXISTS');
      expect((await client.command('FETCH 1 BODY.PEEK[TEXT]')).untagged[0]).toMatch(
        /BODY\[TEXT\] \{7\}\r\nfirst\r\n\)$/,
      );
      await client.logout();
      await postern.waitForLog(({ msg }) => msg === 'session ended');
      expect(complaints(postern)).toEqual([]);
    });
  }

  it('brings notices to a client that idles', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({ upstreams: { store: tls(dovecot) } });
    const clients = await Promise.all([stand.login(postern), stand.login(postern, 'alice', { tls: 'none' })]);
    for (const client of clients) {
      await client.command('SELECT INBOX');
      await client.send('i IDLE');
      await client.waitFor(/^\+ .*\r\n/m);
    }
    for (const count of [1, 2, 3]) {
      dovecot.deliver('alice', message(`number ${count}`));
      for (const client of clients) await client.waitFor(new RegExp(`\\* ${count} EXISTS\\r\\n`));
    }
    for (const client of clients) {
      await client.send('DONE');
      expect((await client.answerTo('i')).tagged).toMatch(/^i OK /);
    }
  });

  it('may be compressed', async () => {
    const dovecot = await stand.dovecot();
    const proxy = await stand.proxy(dovecot.ports.plain);
    const postern = await stand.postern({
      upstreams: { store: { servers: [`127.0.0.1:${proxy.port}`], tls: 'none' } },
    });
    const text = 'the same words again and again\r\n'.repeat(20_000);
    dovecot.deliver('alice', message(text));
    const client = await stand.login(postern);
    expect((await client.command('COMPRESS DEFLATE')).tagged).toMatch(/ OK /);
    const before = proxy.answered.length;
    const deflated = new Deflated(client);
    await deflated.command('a SELECT INBOX');
    const answer = await deflated.command('b FETCH 1 BODY.PEEK[]');
    expect(answer.includes(text)).toBe(true);
    expect(proxy.answered.length - before).toBeLessThan(text.length / 10);
    expect(await deflated.command('c APPEND INBOX {10+}\r\nSubject: x\r\n')).toMatch(/^c (?:OK|BAD|NO) /m);
    expect(await deflated.command('d NOOP')).toMatch(/^d OK /m);
    // Not one of the commands went in clear.
    expect(proxy.sent.includes('FETCH 1')).toBe(false);
  });

  it('answers everything to a client that has closed its half', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({
      upstreams: { store: clear(dovecot), secure: tls(dovecot) },
      routes: [{ when: { listener: 'starttls' }, relay: 'secure' }, { relay: 'store' }],
    });
    const text = 'x'.repeat(76).concat('\r\n').repeat(20_000);
    dovecot.deliver('alice', message(text));
    for (const kind of ['implicit', 'starttls', 'none'] as const) {
      const client = await stand.client(postern, kind);
      // Also when the end comes before the login is decided.
      client.socket.end('a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd LOGOUT\r\n');
      const said = await client.readToEnd();
      expect(said).toMatch(/^a OK /m);
      expect(said.includes(text)).toBe(true);
      expect(said).toMatch(/^\* BYE .*\r\nd OK .*\r\n$/m);
    }
    for (const kind of ['implicit', 'starttls', 'none'] as const) {
      const client = await stand.login(postern, 'alice', { tls: kind });
      client.socket.end('b NOOP\r\nc LOGOUT\r\n');
      expect(await client.readToEnd()).toMatch(/^b OK .*\r\n\* BYE .*\r\nc OK .*\r\n$/);
    }
    await nobodyLeft(postern);
    expect(complaints(postern)).toEqual([]);
  });

  it('is not mixed up with others', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({ upstreams: { store: clear(dovecot) } });
    for (const user of ['alice', 'bob']) {
      for (let index = 0; index < 20; index += 1) dovecot.deliver(user, message(`${user} ${index} `.repeat(3000)));
    }
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        const user = index % 2 === 0 ? 'alice' : 'bob';
        return { user, client: await stand.login(postern, user, { tls: index % 3 === 0 ? 'none' : 'implicit' }) };
      }),
    );
    await Promise.all(
      clients.map(async ({ user, client }) => {
        await client.command('SELECT INBOX');
        const { untagged } = await client.command('FETCH 1:* BODY.PEEK[TEXT]');
        expect(untagged).toHaveLength(20);
        const other = user === 'alice' ? 'bob' : 'alice';
        expect(untagged.filter(line => !line.includes(user) || line.includes(other))).toEqual([]);
      }),
    );
  });
});

describeWithPeers(['dovecot', 'openssl'], 'LITERAL+ before login', () => {
  const OLD = 'IMAP4rev1 SASL-IR ID IDLE';

  it('is announced when the upstream has it, once that is known', async () => {
    const dovecot = await stand.dovecot();
    const postern = await stand.postern({ upstreams: { store: clear(dovecot) } });
    await until('it is announced', async () => (await stand.client(postern)).greeting.includes(' LITERAL+'));
    const client = await stand.client(postern);
    await client.write('a LOGIN {5+}\r\nalice {6+}\r\nsecret\r\nb APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n');
    expect((await client.answerTo('a')).tagged).toMatch(/^a OK .*LITERAL\+/);
    expect((await client.answerTo('b')).tagged).toMatch(/^b OK /);
  });

  it.each([
    ['the only upstream lacks it', [OLD], [{ relay: 'u0' }], false],
    [
      'one of two upstreams lacks it',
      [undefined, OLD],
      [{ when: { user: 'bob' }, relay: 'u1' }, { relay: 'u0' }],
      false,
    ],
    ['an upstream by {host} lacks it', [undefined, OLD], [{ relay: '{host}' }], false],
    ['an upstream without a route lacks it', [undefined, OLD], [{ relay: 'u0' }], true],
    ['an upstream has LITERAL- only', [undefined, `${OLD} LITERAL-`], [{ relay: '{host}' }], 'LITERAL-'],
  ])('%s', async (_title, capabilities, routes, announced) => {
    const upstreams: Record<string, Record<string, unknown>> = {};
    for (const [index, capability] of capabilities.entries()) {
      upstreams[`u${index}`] = clear(await stand.dovecot(capability === undefined ? {} : { capability }));
    }
    const postern = await stand.postern({ upstreams, routes });
    await until(
      'every upstream was asked',
      async () => !(await postern.cli('status')).stdout.includes('not asked yet'),
    );
    const { greeting, command } = await stand.client(postern).then(client => ({
      greeting: client.greeting,
      command: () => client.command('CAPABILITY'),
    }));
    for (const text of [greeting, (await command()).untagged[0]]) {
      expect(/ (LITERAL\S)/.exec(text ?? '')?.[1]).toBe(announced === true ? 'LITERAL+' : announced || undefined);
    }
  });

  it('is not announced as long as one of the upstream’s servers is unknown', async () => {
    const one = await stand.dovecot();
    const two = await stand.dovecot();
    await two.kill();
    const servers = [one, two].map(({ ports }) => `127.0.0.1:${ports.plain}`);
    const postern = await stand.postern({ upstreams: { store: { servers, tls: 'none', retry: '100ms' } } });
    await stand.login(postern);
    expect((await stand.client(postern)).greeting).not.toContain('LITERAL');
    await two.start();
    await until('it is announced', async () => (await stand.client(postern)).greeting.includes(' LITERAL+'));
  });
});

/** A client after COMPRESS DEFLATE (RFC 4978 §3): raw deflate both ways, flushed after each command. */
class Deflated {
  readonly #deflate = createDeflateRaw();
  readonly #inflate = createInflateRaw();
  #received = '';

  constructor({ socket }: ImapClient) {
    socket.removeAllListeners('data');
    this.#deflate.on('data', bytes => socket.write(bytes));
    socket.on('data', bytes => this.#inflate.write(bytes));
    this.#inflate.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1');
    });
  }

  /** @returns everything up to the answer with the command's tag */
  async command(line: string): Promise<string> {
    const [tag] = line.split(' ');
    this.#deflate.write(`${line}\r\n`);
    this.#deflate.flush(constants.Z_SYNC_FLUSH);
    const answer = new RegExp(`^${tag} .*\r\n`, 'm');
    while (!answer.test(this.#received.slice(-4000))) await once(this.#inflate, 'data');
    const said = this.#received;
    this.#received = '';
    return said;
  }
}
