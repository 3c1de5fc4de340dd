import { formatEndpoint } from '../config/address.ts';
import type { Config } from '../config/schema.ts';
import { listenerName } from '../net/listener.ts';
import { UsageError } from './command.ts';

/** Name of the listener that `--listener` means, by its name or its address; the first without one. @throws UsageError */
export function chosenListener(option: string | undefined, { listeners }: Config): string {
  const chosen = listeners.find(
    listener => option === undefined || [listenerName(listener), formatEndpoint(listener.address)].includes(option),
  );
  if (chosen) return listenerName(chosen);
  throw new UsageError(`there is no listener "${option}"; there are: ${listeners.map(listenerName).join(', ')}`);
}
