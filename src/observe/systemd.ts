import { execFile } from 'node:child_process';

/** How long the tool may take: a manager that does not listen must not hold up a start or a stop. */
const TIMEOUT_MS = 5000;

/**
 * Tells systemd how the service is doing (sd_notify(3)): "READY=1", "STOPPING=1", "STATUS=...". Goes through systemd-notify, since
 * Node has no datagram sockets in the unix domain; the unit must therefore say NotifyAccess=all. Does nothing where the service is
 * not run by systemd, and never fails: resolves to whether the message was handed over.
 */
export function notifySystemd(state: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  if (!env.NOTIFY_SOCKET) return Promise.resolve(false);
  const args = state.split('\n').filter(line => line !== '');
  return new Promise(resolve => {
    execFile('systemd-notify', args, { env, timeout: TIMEOUT_MS }, error => resolve(error === null));
  });
}

/** What a reload tells systemd first (Type=notify-reload needs the time it began at). @param monotonic microseconds */
export function reloadingState(monotonic: bigint = process.hrtime.bigint() / 1000n): string {
  return `RELOADING=1\nMONOTONIC_USEC=${monotonic}`;
}
