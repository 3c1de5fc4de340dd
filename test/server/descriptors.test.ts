import { expect, it } from 'vitest';
import { missingDescriptors } from '../../src/server/descriptors.ts';

const limits = (hard: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             unlimited            unlimited            processes
Max open files            1024                 ${hard.padEnd(20)} files
`;

it.each([
  [10_000, '65536', 0],
  [20_000, '4096', 36_104],
  [100, '400', 0],
  [101, '400', 2],
  [20_000, 'unlimited', 0],
])('%i connections with %s descriptors lack %i', (connections, hard, missing) => {
  expect(missingDescriptors(connections, () => limits(hard))).toBe(missing);
});

it('says nothing where nobody can tell', () => {
  expect(missingDescriptors(20_000, () => '')).toBe(0);
});
