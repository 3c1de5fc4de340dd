/** Messages that tests of FETCH and SEARCH look at. */
export const PLAIN = Buffer.from(
  [
    'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
    'From: Terry Gray <gray@cac.example>',
    'Subject: IMAP4rev1 WG mtg summary and minutes',
    'To: imap@cac.example',
    'cc: minutes@CNRI.example, John Klensin <KLENSIN@MIT.example>',
    'Message-Id: <B27397-0100000@cac.example>',
    'X-Folded: one',
    '\ttwo',
    '',
    'Hello World!',
    '',
  ].join('\r\n'),
  'latin1',
);

export const NESTED = Buffer.from(
  [
    'Date: Thu, 18 Jul 1996 10:00:00 +0200',
    'From: Zoe <zoe@example.org>',
    'Subject: =?utf-8?q?Sch=C3=B6ne_Gr=C3=BC=C3=9Fe?=',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    'preamble',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    'X-Part: first',
    '',
    'the first part',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'Subject: inner',
    'From: in@example.org',
    '',
    'the inner text',
    '--b--',
    '',
  ].join('\r\n'),
  'latin1',
);

/** A part with NUL, which no literal may hold. */
export const WITH_NUL = Buffer.from('Subject: nul\r\nX-Nul: a\0b\r\n\r\nbody \0\0 end\r\n', 'latin1');
