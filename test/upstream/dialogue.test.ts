import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { Channel } from '../../src/net/channel.ts';
import { Dialogue, findCapabilities } from '../../src/upstream/dialogue.ts';
import { MailServer, type Script, serve } from './mail-server.ts';

const stands: { server: MailServer; dialogue: Dialogue }[] = [];

async function open(script: Script, timeout = 5000): Promise<Dialogue> {
  const server = await MailServer.start(script);
  const socket = connect({ ...server.address, allowHalfOpen: true });
  await once(socket, 'connect');
  const dialogue = new Dialogue(Channel.over(socket), 'mail.test:143', timeout);
  stands.push({ server, dialogue });
  return dialogue;
}

/** A server that greets, waits for a command, and then follows the script. */
const afterCommand = (script: (write: (text: string) => Promise<void>) => Promise<void>, timeout?: number) =>
  open(async connection => {
    await connection.write('* OK ready\r\n');
    await connection.readLine();
    await script(text => connection.write(text));
    await connection.ended(60_000);
  }, timeout);

describe('a dialogue', () => {
  afterEach(async () => {
    for (const { server, dialogue } of stands.splice(0)) {
      dialogue.channel.destroy();
      await server.stop();
    }
  });

  const greeted = (text: string, timeout?: number) =>
    open(async connection => {
      await connection.write(text);
      await connection.ended(60_000);
    }, timeout);

  it.each([
    ['* OK [CAPABILITY IMAP4rev1 SASL-IR] ready\r\n', 'IMAP4rev1 SASL-IR'],
    ['* ok [capability IMAP4rev1]\r\n', 'IMAP4rev1'],
    ['*  OK ready\r\n', undefined],
    ['* OK\r\n', undefined],
    ['* OK [ALERT] maintenance at noon\r\n', undefined],
    ['* OK ready\n', undefined],
  ])('takes the greeting %j', async (text, capabilities) => {
    const dialogue = await greeted(text);
    expect((await dialogue.greeting())?.toString()).toBe(capabilities);
  });

  it.each([
    ['* BYE too busy\r\n', 'unavailable', 'greeted with BYE too busy'],
    ['* PREAUTH hello root\r\n', 'misconfigured', 'greeted with PREAUTH'],
    ['p1 OK\r\n', 'unavailable', 'greeted with OK'],
    ['+OK POP3 ready\r\n', 'misconfigured', 'not IMAP'],
    ['HTTP/1.1 400 Bad Request\r\n', 'unavailable', 'greeted with 400'],
    ['\r\n', 'misconfigured', 'not IMAP'],
    [`* OK ${'x'.repeat(100_000)}\r\n`, 'misconfigured', 'beyond all measure'],
  ])('does not take %.40j', async (text, kind, message) => {
    const dialogue = await greeted(text);
    await expect(dialogue.greeting()).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(message),
      server: 'mail.test:143',
    });
  });

  it('waits for an answer no longer than told, however it drips', async () => {
    const dialogue = await open(async connection => {
      for (const letter of '* OK [CAPABILITY IMAP4rev1] this takes a very long time to say\r\n') {
        await connection.write(letter);
        await sleep(40);
      }
    }, 300);
    await expect(dialogue.greeting()).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'mail.test:143 did not answer within 300 ms',
    });
  });

  it('waits for an answer no longer than told, whatever else is said meanwhile', async () => {
    const dialogue = await afterCommand(async write => {
      for (;;) {
        await write('* OK still working\r\n');
        await sleep(40);
      }
    }, 300);
    await dialogue.greeting();
    await expect(dialogue.command('NOOP')).rejects.toMatchObject({ message: expect.stringContaining('300 ms') });
  });

  it('reads what comes before the answer, literals too', async () => {
    const dialogue = await afterCommand(write =>
      write('* 5 EXISTS\r\n* ID ("name" {4}\r\nD\r\nt)\r\n* OK see {5}\r\n* junk(\r\np1 OK done\r\n* 1 RECENT\r\n'),
    );
    await dialogue.greeting();
    const { tagged, untagged } = await dialogue.command('NOOP');
    expect(tagged).toMatchObject({ name: 'OK', text: 'done' });
    expect(untagged.map(({ name }) => name)).toEqual(['5', 'ID', 'OK', 'JUNK(']);
    expect(Buffer.concat(dialogue.takeRest()).toString()).toBe('* 1 RECENT\r\n');
  });

  it('passes over the answer to what was sent ahead', async () => {
    const dialogue = await afterCommand(write => write('p7 BAD what is ID?\r\np1 OK done\r\n'));
    await dialogue.greeting();
    expect((await dialogue.command('NOOP')).tagged.text).toBe('done');
  });

  it('sends each part when it is asked for', async () => {
    const heard: string[] = [];
    const dialogue = await open(async connection => {
      await connection.write('* OK ready\r\n');
      for (const answer of ['+ \r\n', '+\r\n', 'x OK done\r\n']) {
        heard.push(await connection.readLine());
        await sleep(20);
        heard.push(connection.unread);
        await connection.write(answer);
      }
      await connection.ended();
    });
    await dialogue.greeting();
    const parts = ['x LOGIN {1}\r\n', 'a {1}\r\n', 'b\r\n'].map(part => Buffer.from(part));
    expect((await dialogue.exchange('x', parts)).tagged.name).toBe('OK');
    expect(heard).toEqual(['x LOGIN {1}', '', 'a {1}', '', 'b', '']);
  });

  it.each([
    ['asks for what there is not', '+ more\r\n', 'misconfigured', 'asked for more'],
    ['talks without end', '* OK x\r\n'.repeat(1001), 'misconfigured', 'talks without end'],
    ['sends a line beyond all measure', `* ${'x'.repeat(100_000)}\r\n`, 'misconfigured', 'beyond all measure'],
    ['announces a literal without end', '* X {1000000000}\r\n', 'misconfigured', 'beyond all measure'],
    ['says nonsense', ' \x01\r\n', 'misconfigured', 'not IMAP'],
  ])('gives up a server that %s', async (_, text, kind, message) => {
    const dialogue = await afterCommand(write => write(text));
    await dialogue.greeting();
    await expect(dialogue.command('NOOP')).rejects.toMatchObject({ kind, message: expect.stringContaining(message) });
  });

  it('tells a connection that ends and one that is lost', async () => {
    const ended = await open(async connection => {
      await connection.write('* OK ready\r\n');
    });
    await ended.greeting();
    await expect(ended.command('NOOP')).rejects.toMatchObject({
      kind: 'unavailable',
      message: /closed the connection/,
    });
    const lost = await open(async connection => {
      await connection.write('* OK ready\r\n');
      await connection.readLine();
      connection.socket.resetAndDestroy();
    });
    await lost.greeting();
    await expect(lost.command('NOOP')).rejects.toMatchObject({ kind: 'unavailable', message: /ECONNRESET/ });
    await expect(lost.command('NOOP')).rejects.toMatchObject({ kind: 'unavailable', message: /closed the connection/ });
  });

  describe('with a server that says BYE', () => {
    it('takes the answer that comes all the same', async () => {
      const dialogue = await afterCommand(write => write('* BYE [X] too many failures\r\np1 NO [Y] refused\r\n'));
      await dialogue.greeting();
      const { tagged } = await dialogue.exchange('p1', [Buffer.from('p1 LOGIN a b\r\n')]);
      expect(tagged).toMatchObject({ name: 'NO', code: 'Y' });
    });

    it.each(['hangs up', 'stays'])('takes that for the answer when it %s', async then => {
      const dialogue = await open(async connection => {
        await connection.write('* OK ready\r\n');
        await connection.readLine();
        await connection.write('* BYE [X] too many failures\r\n* BYE again\r\n');
        if (then === 'stays') await connection.ended(60_000);
      }, 60_000);
      await dialogue.greeting();
      const { tagged } = await dialogue.exchange('p1', [Buffer.from('p1 LOGIN a b\r\n')]);
      expect(tagged).toMatchObject({ tag: '*', name: 'BYE', code: 'X', text: 'too many failures' });
    });

    it('is told by a command that was not refused but dropped', async () => {
      const dialogue = await open(async connection => {
        await connection.write('* OK ready\r\n');
        await connection.readLine();
        await connection.write('* BYE shutting down\r\n');
      });
      await dialogue.greeting();
      await expect(dialogue.command('CAPABILITY')).rejects.toMatchObject({
        kind: 'unavailable',
        message: 'mail.test:143 said BYE: shutting down',
      });
    });
  });

  describe('asking for capabilities', () => {
    const asking = (answer: (tag: string) => string) =>
      open(connection => serve(connection, '* OK ready', { CAPABILITY: answer }));

    it.each([
      ['untagged', (tag: string) => `* CAPABILITY IMAP4rev1 IDLE\r\n${tag} OK done\r\n`, 'IMAP4rev1 IDLE'],
      ['in the answer', (tag: string) => `${tag} OK [CAPABILITY IMAP4rev1] done\r\n`, 'IMAP4rev1'],
      ['in lower case', (tag: string) => `* capability imap4rev1\r\n${tag} ok\r\n`, 'imap4rev1'],
      ['twice', (tag: string) => `* CAPABILITY A\r\n* CAPABILITY B\r\n${tag} OK\r\n`, 'B'],
    ])('takes them %s', async (_, answer, expected) => {
      const dialogue = await asking(answer);
      await dialogue.greeting();
      expect((await dialogue.capabilities()).toString()).toBe(expected);
    });

    it.each([(tag: string) => `${tag} OK done\r\n`, (tag: string) => `${tag} BAD what?\r\n`])(
      'gives up a server that tells none',
      async answer => {
        const dialogue = await asking(answer);
        await dialogue.greeting();
        await expect(dialogue.capabilities()).rejects.toMatchObject({ kind: 'misconfigured' });
      },
    );

    it('believes the answer more than what came before it', async () => {
      const dialogue = await afterCommand(write => write('* CAPABILITY OLD\r\np1 OK [CAPABILITY NEW] done\r\n'));
      await dialogue.greeting();
      expect(findCapabilities(await dialogue.command('LOGIN a b'))?.toString()).toBe('NEW');
    });
  });
});
