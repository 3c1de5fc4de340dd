import { createRequire } from 'node:module';

/** Of the package, wherever it is installed: source and dist are equally deep. */
export const VERSION: string = String(createRequire(import.meta.url)('../../package.json').version);
