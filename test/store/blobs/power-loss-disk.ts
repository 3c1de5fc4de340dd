import { setImmediate as turn } from 'node:timers/promises';
import type { Disk, FileHandle } from '../../../src/store/blobs/disk.ts';

interface File {
  octets: Buffer;
  /** What a power failure leaves for certain. */
  durable: Buffer;
  modified: number;
}

interface Folder {
  readonly entries: Map<string, Node>;
  durable: Map<string, Node>;
  /** What was named (or removed: undefined) since the last sync, in order. */
  pending: (readonly [name: string, node: Node | undefined])[];
}

type Node = File | Folder;

/** One thing done to the disk that changes it: "rename tmp/x.part 0197/3fc/..." */
export type Step = string;

export interface Interference {
  /** Called before each step, counted from 0. What it throws, the step throws, and does nothing. */
  readonly before?: (step: Step, index: number) => void;
  /** The power fails before that step: it and everything later does nothing and throws. */
  readonly cutAt?: number;
}

/**
 * A file system in memory that knows what would survive a power failure: content after `syncData`, names after `syncDirectory`
 * of the folder they are in. What is not durable may survive or not, each part by itself.
 */
export class PowerLossDisk implements Disk {
  readonly steps: Step[] = [];
  /** Files closed while a write to them ran: the descriptor might be another file's by then. */
  readonly stray: string[] = [];
  interference: Interference = {};
  readonly #root: Folder;
  readonly #open = new Map<FileHandle, { file: File; path: string }>();
  #next = 10;

  constructor(root: Folder = folder()) {
    this.#root = root;
  }

  /** Files that are held open. */
  get held(): number {
    return this.#open.size;
  }

  /** Every file's path. */
  files(): string[] {
    const walk = (at: Folder, path: string): string[] =>
      [...at.entries].flatMap(([name, node]) =>
        'entries' in node ? walk(node, `${path}/${name}`) : `${path}/${name}`,
      );
    return walk(this.#root, '').sort();
  }

  /**
   * The disk as it may be found after a power failure now.
   * @param survives decides for each thing that is not durable
   */
  afterPowerLoss(survives: () => boolean): PowerLossDisk {
    const file = ({ octets, durable, modified }: File): File => {
      // Not durable: old, new, or as long as the new one and empty.
      const found = octets.equals(durable) || !survives() ? durable : survives() ? octets : Buffer.alloc(octets.length);
      return { octets: found, durable: found, modified };
    };
    const copy = (from: Folder): Folder => {
      const names = new Map(from.durable);
      for (const [name, node] of from.pending.filter(survives)) {
        if (node) names.set(name, node);
        else names.delete(name);
      }
      const entries = new Map([...names].map(([name, node]) => [name, 'entries' in node ? copy(node) : file(node)]));
      return { entries, durable: new Map(entries), pending: [] };
    };
    return new PowerLossDisk(copy(this.#root));
  }

  async create(path: string): Promise<FileHandle> {
    await this.#step(`create ${path}`);
    const { parent, name } = this.#parent(path);
    if (parent.entries.has(name)) throw systemError('EEXIST', path);
    const file: File = { octets: Buffer.alloc(0), durable: Buffer.alloc(0), modified: Date.now() };
    put(parent, name, file);
    return this.#hold(file, path);
  }

  async openRead(path: string): Promise<FileHandle> {
    await turn();
    const node = this.#find(path);
    if ('entries' in node) throw systemError('EISDIR', path);
    return this.#hold(node, path);
  }

  async write(handle: FileHandle, chunks: readonly Uint8Array[], position: number): Promise<void> {
    const { file, path } = this.#held(handle);
    await this.#step(`write ${path}`);
    if (!this.#open.has(handle)) this.stray.push(path);
    const added = Buffer.concat(chunks);
    const octets = Buffer.alloc(Math.max(file.octets.length, position + added.length));
    file.octets.copy(octets);
    added.copy(octets, position);
    file.octets = octets;
    file.modified = Date.now();
  }

  async read(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
    await turn();
    const part = this.#held(handle).file.octets.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  readSome(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
    return this.read(handle, into, position);
  }

  async size(handle: FileHandle): Promise<number> {
    await turn();
    return this.#held(handle).file.octets.length;
  }

  async syncData(handle: FileHandle): Promise<void> {
    const { file, path } = this.#held(handle);
    await this.#step(`syncData ${path}`);
    file.durable = file.octets;
  }

  async close(handle: FileHandle): Promise<void> {
    const { path } = this.#held(handle);
    this.#open.delete(handle);
    await this.#step(`close ${path}`);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step(`rename ${from} ${to}`);
    const source = this.#parent(from);
    const target = this.#parent(to);
    put(target.parent, target.name, this.#find(from));
    put(source.parent, source.name, undefined);
  }

  async remove(path: string): Promise<void> {
    await this.#step(`remove ${path}`);
    if ('entries' in this.#find(path)) throw systemError('EISDIR', path);
    const { parent, name } = this.#parent(path);
    put(parent, name, undefined);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#step(`makeDirectory ${path}`);
    const { parent, name } = this.#parent(path);
    if (parent.entries.has(name)) throw systemError('EEXIST', path);
    put(parent, name, folder());
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#step(`removeDirectory ${path}`);
    if (this.#folder(path).entries.size > 0) throw systemError('ENOTEMPTY', path);
    const { parent, name } = this.#parent(path);
    put(parent, name, undefined);
  }

  async syncDirectory(path: string): Promise<void> {
    const at = this.#folder(path);
    // What is named while the sync runs need not be covered by it.
    const covered = new Map(at.entries);
    const count = at.pending.length;
    await this.#step(`syncDirectory ${path}`);
    at.durable = covered;
    at.pending = at.pending.slice(count);
  }

  async *entries(path: string): AsyncIterable<string> {
    for (const name of [...this.#folder(path).entries.keys()]) {
      await turn();
      yield name;
    }
  }

  async modified(path: string): Promise<number> {
    const node = this.#find(path);
    return 'entries' in node ? 0 : node.modified;
  }

  async #step(step: Step): Promise<void> {
    await turn();
    const index = this.steps.length;
    if (index >= (this.interference.cutAt ?? Number.POSITIVE_INFINITY)) throw systemError('EIO', 'the power is gone');
    this.steps.push(step);
    this.interference.before?.(step, index);
  }

  #hold(file: File, path: string): FileHandle {
    this.#next += 1;
    this.#open.set(this.#next, { file, path });
    return this.#next;
  }

  #held(handle: FileHandle): { file: File; path: string } {
    const held = this.#open.get(handle);
    if (!held) throw systemError('EBADF', `descriptor ${handle}`);
    return held;
  }

  #find(path: string): Node {
    let node: Node = this.#root;
    for (const name of path.split('/').filter(Boolean)) {
      const next: Node | undefined = 'entries' in node ? node.entries.get(name) : undefined;
      if (!next) throw systemError('ENOENT', path);
      node = next;
    }
    return node;
  }

  #folder(path: string): Folder {
    const node = this.#find(path);
    if (!('entries' in node)) throw systemError('ENOTDIR', path);
    return node;
  }

  #parent(path: string): { parent: Folder; name: string } {
    const at = path.lastIndexOf('/');
    return { parent: this.#folder(path.slice(0, at)), name: path.slice(at + 1) };
  }
}

function folder(): Folder {
  return { entries: new Map(), durable: new Map(), pending: [] };
}

function put(parent: Folder, name: string, node: Node | undefined): void {
  if (node) parent.entries.set(name, node);
  else parent.entries.delete(name);
  parent.pending.push([name, node]);
}

export function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
