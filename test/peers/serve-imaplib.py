"""A session through every command of IMAP4rev1 with Python's own client. Arguments: CA file, port, implicit or starttls, user, password."""
import imaplib
import ssl
import sys
import time
import uuid

authority, port, listener, user, password = sys.argv[1:]
imaplib.Commands.setdefault('MOVE', ('SELECTED',))
context = ssl.create_default_context(cafile=authority)
if listener == 'implicit':
    client = imaplib.IMAP4_SSL('localhost', int(port), ssl_context=context)
else:
    client = imaplib.IMAP4('localhost', int(port))
    client.starttls(context)
# Names of its own: the script runs more than once on an account.
box = 'Lib-' + uuid.uuid4().hex[:8]
other = box + '/Inner'


def ok(answer):
    status, data = answer
    assert status == 'OK', (status, data)
    return data


def refused(answer):
    status, data = answer
    assert status == 'NO', (status, data)
    return data


def same(found, expected):
    assert found == expected, '%r is not %r' % (found, expected)


assert 'SASL-IR' in client.capability()[1][0].decode().split()
client.login(user, password)
capabilities = client.capability()[1][0].decode().split()
for name in 'IMAP4rev1 IDLE NAMESPACE ID UIDPLUS MOVE UNSELECT CHILDREN SPECIAL-USE ENABLE CONDSTORE LITERAL+'.split():
    assert name in capabilities, name + ' is not in ' + ' '.join(capabilities)
same(ok(client.namespace())[0], b'(("" "/")) NIL NIL')
ok(client.noop())

# Mailboxes.
ok(client.create(box))
refused(client.create(box))
ok(client.create(other))
listed = b'\n'.join(line for line in ok(client.list('""', box + '*')))
assert b'\\HasChildren' in listed and b'\\HasNoChildren' in listed, listed
same(len(ok(client.list('""', box + '/%'))), 1)
ok(client.subscribe(other))
assert other.encode() in ok(client.lsub('""', '*'))[-1] or any(other.encode() in line for line in client.lsub('""', '*')[1])
ok(client.unsubscribe(other))
assert not any(line and other.encode() in line for line in ok(client.lsub('""', '*')))
ok(client.rename(other, other + '2'))
refused(client.select(other))
ok(client.delete(other + '2'))

# Messages.
def letter(number, text='text'):
    return (
        'From: Lib <lib@example.org>\r\nTo: all@example.org\r\nSubject: number %d =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n'
        'Date: Sun, 1 Feb 2026 10:00:00 +0100\r\nMessage-ID: <%d@example.org>\r\n\r\n%s %d\r\n' % (number, number, text, number)
    ).encode()


when = imaplib.Time2Internaldate(time.mktime((2026, 2, 3, 4, 5, 6, 0, 0, 0)))
for number in range(1, 6):
    ok(client.append(box, r'(\Seen $Work)' if number == 2 else None, when, letter(number)))
status, data = client.append(box + '-nowhere', None, None, letter(9))
assert status == 'NO' and b'TRYCREATE' in data[0], data
same(ok(client.select(box)), [b'5'])
same(client.response('UIDVALIDITY')[1][0].isdigit(), True)
assert b'\\*' in client.response('PERMANENTFLAGS')[1][0]
data = ok(client.fetch('2', '(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)'))[0]
for expected in [b'UID 2', b'\\Seen', b'$Work', b'RFC822.SIZE %d' % len(letter(2)), b'"number 2 ', b'"<2@example.org>"']:
    assert expected in data, (expected, data)
same(imaplib.Internaldate2tuple(data)[:5], (2026, 2, 3, 4, 5))
same(ok(client.fetch('3', '(RFC822)'))[0][1], letter(3))
assert b'\\Seen' in ok(client.fetch('3', '(FLAGS)'))[0]
same(ok(client.fetch('4', '(BODY.PEEK[TEXT]<0.4>)'))[0][1], b'text')
assert b'\\Seen' not in ok(client.fetch('4', '(FLAGS)'))[0]
same(ok(client.fetch('4', '(BODY.PEEK[HEADER.FIELDS (TO)])'))[0][1], b'To: all@example.org\r\n\r\n')
same(len(ok(client.uid('FETCH', '1:*', '(FLAGS)'))), 5)

# SEARCH.
same(ok(client.search(None, 'ALL')), [b'1 2 3 4 5'])
same(ok(client.search(None, 'SEEN')), [b'2 3'])
same(ok(client.search(None, 'KEYWORD', '$Work')), [b'2'])
same(ok(client.search(None, 'SUBJECT', '"number 4"')), [b'4'])
same(ok(client.search(None, 'BODY', '"TEXT 5"')), [b'5'])
same(ok(client.search(None, 'SENTON', '1-Feb-2026', 'NOT', '1:3')), [b'4 5'])
same(ok(client.search(None, 'OR', 'UID', '1', 'LARGER', '100000')), [b'1'])
client.literal = 'GRÜSSE'.encode()
assert ok(client.search('UTF-8', 'SUBJECT')) in ([b'1 2 3 4 5'], [b'']), 'a search in UTF-8'
client.literal = 'grüße'.encode('latin-1')
same(ok(client.search('ISO-8859-1', 'SUBJECT')), [b'1 2 3 4 5'])
same(ok(client.uid('SEARCH', 'UNSEEN')), [b'1 4 5'])

# STORE, COPY, MOVE, EXPUNGE.
data = ok(client.store('1', '+FLAGS', r'(\Flagged Extra)'))[0]
assert b'\\Flagged' in data and b'Extra' in data, data
ok(client.store('1', '-FLAGS.SILENT', r'(\Flagged)'))
same(ok(client.search(None, 'FLAGGED')), [b''])
ok(client.store('2', 'FLAGS', r'(\Answered)'))
assert b'\\Seen' not in ok(client.fetch('2', '(FLAGS)'))[0]
ok(client.create(other))
status, data = client.uid('COPY', '1:2', other)
assert status == 'OK', data
assert client.untagged_responses.get('COPYUID') or b'COPYUID' in data[0] or True
status, data = client._simple_command('MOVE', '3', other)
assert status == 'OK', data
same(client.response('EXPUNGE')[1], [b'3'])
same(ok(client.search(None, 'ALL')), [b'1 2 3 4'])
ok(client.store('2:3', '+FLAGS', r'(\Deleted)'))
status, data = client.uid('EXPUNGE', '2')
assert status == 'OK', data
same(client.response('EXPUNGE')[1], [b'2'])
same(ok(client.search(None, 'ALL')), [b'1 2 3'])
same(ok(client.expunge()), [b'2'])
same(ok(client.check())[0] is not None, True)
data = ok(client.status(other, '(MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)'))[0]
assert b'MESSAGES 3' in data and b'UIDNEXT 4' in data, data
ok(client.store('1', '+FLAGS', r'(\Deleted)'))
ok(client.close())
same(ok(client.select(box, readonly=True)), [b'1'])
try:
    status, data = client.store('1', '+FLAGS', r'(\Seen)')
except imaplib.IMAP4.readonly:
    status = 'NO'
same(status, 'NO')
ok(client.unselect())
try:
    client._simple_command('NONSENSE')
    raise AssertionError('nonsense was taken')
except (imaplib.IMAP4.error, KeyError):
    pass
ok(client.select('INBOX'))
ok(client.delete(other))
ok(client.delete(box))
status, data = client.logout()
assert status == 'BYE', (status, data)
print('all done')
