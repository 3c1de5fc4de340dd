import { expect, it } from 'vitest';
import { ImapClient } from '../support/imap-client.ts';
import { startPostern } from '../support/postern.ts';
import { ALICE, staticDoor, usersFile } from '../support/static-door.ts';

/** Loaded before the server: a timer's callback that throws, and a promise that nobody catches, at the signal SIGUSR2. */
const FAULTY = `data:text/javascript,${encodeURIComponent(
  "process.on('SIGUSR2', () => { setTimeout(() => { throw new Error('made up') }); Promise.reject(new Error('made up, too')) })",
)}`;

it('an error that escapes is logged and counted, and ends nobody else’s session', async () => {
  const postern = await startPostern(await staticDoor({ more: { admin: { http: '127.0.0.1:0' } } }), {
    nodeOptions: ['--import', FAULTY],
    files: { 'users.yaml': usersFile([ALICE]) },
  });
  try {
    const client = await ImapClient.connect({ port: postern.port('none') });
    process.kill(postern.pid, 'SIGUSR2');
    const errors = ['made up', 'made up, too'];
    for (const message of errors) {
      await postern.waitForLog(({ level, err }) => level === 'error' && JSON.stringify(err).includes(`"${message}"`));
    }
    expect((await client.command('NOOP')).tagged).toMatch(/ OK /);
    client.close();
    const ready = postern.log.find(({ msg }) => msg === 'ready');
    const metrics = await (await fetch(`http://${ready?.adminHttp}/metrics`)).text();
    expect(metrics).toMatch(/^postern_bugs_total 2$/m);
    expect(await postern.stop()).toMatchObject({ status: 0 });
  } finally {
    await postern.remove();
  }
});
