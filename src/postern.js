#!/usr/bin/env node
// Starts Postern with a Node that is new enough. Plain JavaScript in the syntax of old Nodes, because an old Node reads it.
// A new enough Node runs Postern in this very process, so that the process id a service manager knows stays the right one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const OLDEST = 24;
const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** The source in the repository; what was built from it in the installed package, which has no source. */
function entryPoint() {
  const source = new URL('./main.ts', import.meta.url);
  const built = new URL('../dist/main.js', import.meta.url);
  if (existsSync(source)) return source;
  if (existsSync(built)) return built;
  return undefined;
}

/** The Node that `npm ci` brought along in the repository; undefined where it was left out. */
function carriedNode() {
  try {
    const path = createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/bin/node`);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function fail(text) {
  process.stderr.write(`postern: ${text}\n`);
  process.exitCode = 1;
}

function runWith(node) {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  // Node 22.15 and later can become the other program, which keeps the process id.
  if (typeof process.execve === 'function') process.execve(node, [node, ...process.execArgv, ...args], process.env);
  const child = spawn(node, [...process.execArgv, ...args], { stdio: 'inherit' });
  // A terminal's Ctrl-C reaches the whole process group by itself; passed on as well, it would count twice.
  const alreadySent = signal => process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');
  for (const signal of FORWARDED) {
    process.on(signal, () => {
      if (!alreadySent(signal)) child.kill(signal);
    });
  }
  child.on('error', error => fail(`${node} did not start: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (code !== null) process.exit(code);
    for (const name of FORWARDED) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    // Some signals do not end a Node (SIGUSR1): then the shell's convention for "ended by a signal".
    setTimeout(() => process.exit(128 + (constants.signals[signal] || 0)), 100);
  });
}

const entry = entryPoint();
const carried = Number.parseInt(process.versions.node, 10) >= OLDEST ? undefined : carriedNode();
if (!entry) {
  fail('neither src/main.ts nor dist/main.js is there; install the package again, or run "npm run build" first.');
} else if (Number.parseInt(process.versions.node, 10) >= OLDEST) {
  await import(entry.href);
} else if (carried) {
  runWith(carried);
} else {
  fail(
    `Node ${OLDEST} or newer is needed, and this is ${process.version}. Install a newer one (https://nodejs.org/), ` +
      'or, in the repository on Linux, run "npm ci", which brings one along.',
  );
}
