import { textIndexConformance } from '../../conformance/text-index.ts';
import { MemoryTextIndex } from '../../support/memory-text-index.ts';

textIndexConformance('an index of trigrams in memory', async () => new MemoryTextIndex());
