import { MailError } from '../../mail/mail-error.ts';
import { type ByteColumn, bytesAt, type Field, type RowPage } from '../../mail/rows.ts';
import type { FetchPart } from '../fetch-item.ts';

/** An item that the store keeps as it goes out. */
export function encodedColumn(name: string, want: Field, column: (page: RowPage) => ByteColumn | undefined): FetchPart {
  const head = `${name} `;
  return {
    wants: [want],
    write(out, page, row) {
      const values = column(page);
      const value = values && bytesAt(values, row);
      if (!value) throw new MailError('damaged', `uid ${page.uids[row]} has no ${name}`);
      out.text(head);
      out.bytes(value);
      return true;
    },
  };
}
