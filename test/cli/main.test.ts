import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCli } from '../support/postern.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const COMMANDS = [
  'serve',
  'demo',
  'check',
  'explain',
  'replay',
  'report',
  'status',
  'sessions',
  'reload',
  'revoke',
  'trace',
  'backup',
  'restore',
  'repair',
  'certs',
  'app-password',
  'user',
];

describe('the command line', () => {
  it.each([[[]], [['help']], [['--help']], [['-h']]])('%j lists the commands', async args => {
    const { code, stdout, stderr } = await runCli(args);
    expect([code, stderr]).toEqual([0, '']);
    expect([...stdout.matchAll(/^ {2}([\w-]+) +\S/gm)].map(match => match[1])).toEqual(COMMANDS);
  });

  it('says its version', async () => {
    for (const args of [['--version'], ['version']]) {
      expect(await runCli(args)).toEqual({ code: 0, stdout: `postern ${version}\n`, stderr: '' });
    }
  });

  it('has help for every command', async () => {
    const texts = await Promise.all(COMMANDS.map(command => runCli(['help', command])));
    for (const [index, { code, stdout }] of texts.entries()) {
      expect(code).toBe(0);
      expect(stdout).toMatch(/^usage:/i);
      expect(stdout).toContain(`postern ${COMMANDS[index]}`);
    }
    const { stdout } = await runCli(['sessions', 'kick', '--help']);
    expect(stdout).toBe(texts[COMMANDS.indexOf('sessions')]?.stdout);
  });

  it.each([[['serv']], [['help', 'serv']], [['constructor']], [['--config', 'x']]])('%j is no command', async args => {
    const { code, stdout, stderr } = await runCli(args);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/^postern: there is no command ".*"\n\nusage: postern COMMAND/);
  });

  it('tells what is wrong in a command line, with the usage of the command', async () => {
    const { code, stdout, stderr } = await runCli(['explain']);
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/^postern explain: say one login\n\nusage: postern explain LOGIN/);
    expect((await runCli(['serve', '--prot', '1'])).stderr).toMatch(/^postern serve: Unknown option '--prot'\n\nusage/);
  });

  it('ends with 78 and a place when the configuration is wrong', async () => {
    const { code, stderr } = await runCli(['serve', '--config', '/nowhere/postern.yaml']);
    expect(code).toBe(78);
    expect(stderr).toMatch(/^\/nowhere\/postern\.yaml:1:1: .*does not exist\n {4}\S/);
  });
});
