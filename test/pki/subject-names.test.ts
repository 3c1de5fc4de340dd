import { expect, it } from 'vitest';
import { fileNameOf, NameError, parseSubjectNames } from '../../src/pki/subject-names.ts';

it('takes host names, wildcards, other scripts and addresses, without doubles', () => {
  const texts = [
    'Mail.Example.org',
    '*.example.org',
    'bücher.example.',
    '127.0.0.1',
    '[::1]',
    '::1',
    'mail.example.org',
  ];
  expect(parseSubjectNames(texts)).toEqual([
    { type: 'dns', value: 'mail.example.org' },
    { type: 'dns', value: '*.example.org' },
    { type: 'dns', value: 'xn--bcher-kva.example' },
    { type: 'ip', value: '127.0.0.1' },
    { type: 'ip', value: '::1' },
  ]);
  expect(parseSubjectNames(['localhost'])).toEqual([{ type: 'dns', value: 'localhost' }]);
});

it.each([
  '',
  '.',
  '*',
  '*.org',
  'a.*.org',
  'a b',
  '-a.org',
  'a..org',
  'https://a.org/',
  'user@a.org',
  'fe80::1%eth0',
  '1.2.3',
  `${'a'.repeat(64)}.org`,
  `${'abcdefg.'.repeat(32)}org`,
])('refuses %j', text => {
  expect(() => parseSubjectNames([text])).toThrow(NameError);
});

it('makes file names', () => {
  expect(parseSubjectNames(['*.example.org', '::1', 'a.org']).map(fileNameOf)).toEqual([
    'wildcard.example.org',
    '--1',
    'a.org',
  ]);
});
