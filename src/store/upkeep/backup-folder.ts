import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { z } from 'zod';
import type { AccountId } from '../../mail/ids.ts';
import { type AccountPlaces, accountPlaces } from '../data-places.ts';
import { takeLock } from '../lock-file.ts';
import { codeOf, exists, makeFolder, syncFile, syncFolder, writeFileDurably } from './durable-files.ts';

/**
 * A folder of backups:
 *
 *     postern-backup.json                      says what this is
 *     accounts/AB/ACCOUNT/blobs/...            messages of all runs, each once
 *     runs/TIME/accounts/AB/ACCOUNT/index.db   an account's index at one moment
 *     runs/TIME/accounts/AB/ACCOUNT/blobs.list the messages it refers to: id and SHA-256 of the content, ascending
 *     runs/TIME/manifest.jsonl                 a line for each account, and one about the run; there when the run is whole
 */
export interface RunPlaces {
  readonly name: string;
  readonly folder: string;
  readonly manifest: string;
  account(account: AccountId): AccountPlaces & { readonly list: string };
}

/** The backup cannot be made or used; the message is for the administrator. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

const marker = z.object({ postern: z.literal('backup'), version: z.literal(1) });

const accountEntry = z.object({
  account: z.string(),
  /** SHA-256 of `index.db` and of `blobs.list`, hexadecimal. */
  index: z.string(),
  list: z.string(),
  /** Messages' contents that it refers to. */
  blobs: z.number(),
  /** Of those, the ones that could not be copied: they were not there. */
  missing: z.number(),
  /** What the live files looked like, to see whether they have changed since; absent when that could not be told for sure. */
  seen: z.string().optional(),
});

const runEntry = z.object({
  run: z.string(),
  began: z.string(),
  ended: z.string(),
  /** Accounts that could not be copied, and why. */
  failed: z.array(z.object({ account: z.string(), reason: z.string() })),
});

export type AccountEntry = z.output<typeof accountEntry>;
export type RunEntry = z.output<typeof runEntry>;

export interface Manifest {
  readonly run: RunEntry;
  readonly accounts: ReadonlyMap<string, AccountEntry>;
}

/** Opens a folder of backups. @param make make one where there is nothing yet @throws BackupError */
export async function openBackupFolder(root: string, make: boolean): Promise<BackupFolder> {
  const path = join(root, 'postern-backup.json');
  let text: string | undefined;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
  }
  if (text === undefined) {
    if (!make) throw new BackupError(`${root} is not a folder that postern backup has made`);
    await makeFolder(root);
    if ((await readdir(root)).length > 0) throw new BackupError(`${root} holds something else; name an empty folder`);
    await writeFileDurably(path, `${JSON.stringify({ postern: 'backup', version: 1 })}\n`);
  } else if (!marker.safeParse(parseJson(text)).success) {
    throw new BackupError(`${root} was made by another version of Postern`);
  }
  return new BackupFolder(root);
}

export class BackupFolder {
  readonly root: string;
  /** Where messages of all runs are, as in a data folder. */
  readonly accounts: string;
  readonly #runs: string;

  constructor(root: string) {
    this.root = root;
    this.accounts = join(root, 'accounts');
    this.#runs = join(root, 'runs');
  }

  run(name: string): RunPlaces {
    const folder = join(this.#runs, name);
    return {
      name,
      folder,
      manifest: join(folder, 'manifest.jsonl'),
      account: account => {
        const places = accountPlaces(join(folder, 'accounts'), account);
        return { ...places, list: join(places.folder, 'blobs.list') };
      },
    };
  }

  /** Runs that are whole, the oldest first. */
  async wholeRuns(): Promise<readonly string[]> {
    const { whole } = await this.#all();
    return whole;
  }

  /**
   * Runs work while nobody else works in the folder.
   * @throws BackupError when somebody does
   */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    const lock = takeLock(join(this.root, 'lock.db'));
    if (lock === 'taken') throw new BackupError(`another backup or restore works in ${this.root}`);
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  /** Removes what interrupted runs have left. Only while nobody else works in the folder. */
  async removeBroken(): Promise<void> {
    const { broken } = await this.#all();
    for (const name of broken) await rm(join(this.#runs, name), { recursive: true, force: true });
  }

  async removeRun(name: string): Promise<void> {
    // First what makes it a run, so that one half removed is not taken for whole.
    await rm(this.run(name).manifest, { force: true });
    await rm(this.run(name).folder, { recursive: true, force: true });
  }

  async #all(): Promise<{ whole: string[]; broken: string[] }> {
    const whole: string[] = [];
    const broken: string[] = [];
    for (const name of await namesIn(this.#runs)) {
      ((await exists(this.run(name).manifest)) ? whole : broken).push(name);
    }
    return { whole: whole.sort(), broken };
  }
}

/** Writes the manifest of a run line by line; `finish` makes the run a whole one. */
export class ManifestWriter {
  readonly #place: RunPlaces;
  readonly #part: string;
  readonly #lines;

  constructor(place: RunPlaces) {
    this.#place = place;
    this.#part = `${place.manifest}.part`;
    this.#lines = createWriteStream(this.#part, { mode: 0o600 });
  }

  add(entry: AccountEntry): void {
    this.#lines.write(`${JSON.stringify(entry)}\n`);
  }

  /** Gives up what was not finished. */
  abandon(): void {
    this.#lines.destroy();
  }

  async finish(run: RunEntry): Promise<void> {
    this.#lines.end(`${JSON.stringify(run)}\n`);
    await finished(this.#lines);
    await syncFile(this.#part);
    await rename(this.#part, this.#place.manifest);
    await syncFolder(this.#place.folder);
  }
}

/** @throws BackupError when it is not what was written */
export async function readManifest(place: RunPlaces): Promise<Manifest> {
  const accounts = new Map<string, AccountEntry>();
  let run: RunEntry | undefined;
  for await (const line of linesOf(place.manifest)) {
    const value = parseJson(line);
    const entry = accountEntry.safeParse(value);
    if (entry.success) {
      accounts.set(entry.data.account, entry.data);
      continue;
    }
    const about = runEntry.safeParse(value);
    if (!about.success || run) throw new BackupError(`${place.manifest} is damaged`);
    run = about.data;
  }
  if (!run) throw new BackupError(`${place.manifest} is damaged`);
  return { run, accounts };
}

/** Lines of a text file, without their ends, a few at a time. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const source = createReadStream(path);
  try {
    yield* createInterface({ input: source, crlfDelay: Number.POSITIVE_INFINITY });
  } finally {
    source.destroy();
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
