/** Entry point of the catalogue's thread. Started by `sqlite-catalogue.ts`. */
import { workerData } from 'node:worker_threads';
import { serveThread } from '../index/serve-thread.ts';
import { type CatalogueCall, CatalogueCalls } from './catalogue-calls.ts';

const { path }: { readonly path: string } = workerData;
const calls = new CatalogueCalls(path);
serveThread<CatalogueCall>({ run: call => calls.run(call), close: () => calls.close() });
