import { readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Logger } from '../../observe/log.ts';
import { parseUsers, type StaticUsers } from './users.ts';

/**
 * A file of users that may be replaced at any time: it is looked at for each login and read again when it is another. A version
 * that cannot be used is reported once and the one before it stays, so that a slip of the editor locks nobody out.
 */
export class UsersFile {
  readonly #path: string;
  readonly #directory: string;
  readonly #log: Logger;
  #users: StaticUsers;
  /** Of the version last looked at, used or not. */
  #stamp: string;
  #reading: Promise<void> | undefined;

  /** Reads it now. @throws ConfigError, or Error of the file system */
  constructor(path: string, directory: string, log: Logger) {
    this.#path = path;
    this.#directory = directory;
    this.#log = log;
    // Before the text: a change in between is then read again, not missed.
    this.#stamp = stampOf(statSync(path, { bigint: true }));
    this.#users = parseUsers(path, readFileSync(path, 'utf8'), directory);
  }

  /** The users of the newest usable version. Never throws. */
  async current(): Promise<StaticUsers> {
    this.#reading ??= this.#refresh().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    return this.#users;
  }

  async #refresh(): Promise<void> {
    let stamp = 'unreadable';
    try {
      stamp = stampOf(await stat(this.#path, { bigint: true }));
      if (stamp === this.#stamp) return;
      this.#users = parseUsers(this.#path, await readFile(this.#path, 'utf8'), this.#directory);
      this.#log.info(
        { directory: this.#directory, file: this.#path, users: this.#users.all.length },
        'users read again',
      );
    } catch (err) {
      if (stamp === this.#stamp) return;
      const context = { err, directory: this.#directory, file: this.#path };
      this.#log.error(context, 'the file of users cannot be used; the version before it stays');
    }
    this.#stamp = stamp;
  }
}

function stampOf(stats: { ino: bigint; mtimeNs: bigint; ctimeNs: bigint; size: bigint }): string {
  return [stats.ino, stats.mtimeNs, stats.ctimeNs, stats.size].join(':');
}
