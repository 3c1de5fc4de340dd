import { command, nothing, SELECTED } from './command.ts';

/** UNSELECT (RFC 3691 §2): leaves, and removes nothing. */
export const unselect = command({
  name: 'UNSELECT',
  states: SELECTED,
  updates: 'none',
  parse: nothing,
  async run({ mail }) {
    await mail.unselect();
    return { status: 'OK', text: 'UNSELECT completed.' };
  },
});
