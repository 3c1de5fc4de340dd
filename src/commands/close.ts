import { command, nothing, SELECTED } from './command.ts';

/** CLOSE (RFC 9051 §6.4.1): removes what is \Deleted without telling, unless the mailbox was opened by EXAMINE, and leaves. */
export const close = command({
  name: 'CLOSE',
  states: SELECTED,
  updates: 'none',
  parse: nothing,
  async run({ mail }) {
    const { mailbox, readOnly } = mail.selected;
    if (!readOnly) await mailbox.expunge(undefined);
    await mail.unselect();
    return { status: 'OK', text: 'CLOSE completed.' };
  },
});
