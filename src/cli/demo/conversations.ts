import type { Charset } from './mime.ts';

/** Somebody who writes: display name and address. */
export type Writer = readonly [name: string, address: string];

export const ALICE: Writer = ['Alice Arnesen', 'alice@example.org'];
export const BOB: Writer = ['Bob Baumann', 'bob@example.org'];
const JURGEN: Writer = ['Jürgen Müller', 'juergen.mueller@example.com'];
const HANAKO: Writer = ['田中 花子', 'hanako@example.jp'];
const ANNA: Writer = ['Анна Иванова', 'anna@example.net'];
const ZOE: Writer = ['Zoë Fournier', 'zoe.fournier@example.fr'];
const FATIMA: Writer = ['فاطمة الزهراء', 'fatima@example.net'];
const NIKOS: Writer = ['Νίκος Παπαδόπουλος', 'nikos@example.gr'];
const WEI: Writer = ['王伟', 'wang.wei@example.cn'];
const SOREN: Writer = ['Søren Ågård', 'soren@example.dk'];
const ROSSI: Writer = ['Rossi, Carla', 'c.rossi@example.it'];
const LUKASZ: Writer = ['Łukasz Nowak', 'lukasz@example.pl'];

/** What comes with the first message of a thread. */
export type Enclosure = 'picture' | 'document' | 'measurements' | 'html' | 'invitation' | 'forwarded' | 'large';

export interface Conversation {
  readonly subject: string;
  /** Whose mailboxes it is in, besides those of writers. */
  readonly among: readonly Writer[];
  readonly charset?: Charset;
  readonly enclosed?: Enclosure;
  readonly filename?: string;
  /** Where the recipients file it. */
  readonly folder?: string;
  readonly turns: readonly (readonly [from: Writer, text: string])[];
}

export const CONVERSATIONS: readonly Conversation[] = [
  {
    subject: 'Moving the mail server',
    among: [ALICE, BOB],
    turns: [
      [
        ALICE,
        'Hi Bob,\n\nthe old server is nine years old. Can we put a front door before it and move people one by one?\n\nAlice',
      ],
      [BOB, 'Yes. Nobody should have to change a setting in their mail client.\n\nWhat about passwords?'],
      [ALICE, 'They stay in LDAP; the front door asks there.'],
      [BOB, 'And the certificate?'],
      [ALICE, 'One, at the front door. The old server keeps its own, which only the front door sees.'],
      [BOB, 'Good. Monday?'],
    ],
  },
  {
    subject: 'Angebot für die Büroräume in Zürich – Rückfrage',
    among: [BOB, ALICE],
    charset: 'iso-8859-1',
    enclosed: 'document',
    filename: 'Angebot Büro Zürich.pdf',
    turns: [
      [
        JURGEN,
        'Sehr geehrter Herr Baumann,\n\nanbei das überarbeitete Angebot. Die Nebenkosten fallen künftig halbjährlich an.\n\nMit freundlichen Grüßen\nJürgen Müller',
      ],
      [BOB, 'Guten Tag Herr Müller,\n\nist der Stellplatz im Preis enthalten?'],
      [JURGEN, 'Ja, zwei Stellplätze in der Tiefgarage gehören dazu.'],
    ],
  },
  {
    subject: '来週の打ち合わせについて',
    among: [ALICE],
    enclosed: 'picture',
    filename: '会場の地図.png',
    turns: [
      [
        HANAKO,
        'アリスさん\n\nいつもお世話になっております。来週の打ち合わせは火曜日の午前十時からでよろしいでしょうか。\n会場の地図を添付いたします。\n\n田中',
      ],
      [ALICE, '田中さん\n\n火曜日の十時で結構です。よろしくお願いいたします。\n\nアリス'],
      [HANAKO, '承知いたしました。当日お待ちしております。'],
    ],
  },
  {
    subject: 'Отчёт о переносе почты',
    among: [ALICE, BOB],
    enclosed: 'measurements',
    filename: 'отчёт.csv',
    turns: [
      [ANNA, 'Добрый день!\n\nПеренесено 412 ящиков из 500. Подробности во вложении.\n\nАнна'],
      [ALICE, 'Спасибо, Анна! Остальные успеем до пятницы?'],
      [ANNA, 'Да, осталось два вечера работы.'],
      [BOB, 'Thank you both. (I read this with a dictionary.)'],
    ],
  },
  {
    subject: 'Réunion d’été : où déjeuner ?',
    among: [ALICE, BOB],
    enclosed: 'html',
    turns: [
      [
        ZOE,
        'Bonjour à tous,\n\nje propose le restaurant près du canal : terrasse ombragée, et la crème brûlée est excellente.\n\nÀ bientôt,\nZoë',
      ],
      [ALICE, 'Très bien pour moi. À midi et demi ?'],
      [BOB, 'Parfait !'],
    ],
  },
  {
    subject: 'تحديث جدول التدريب',
    among: [BOB],
    turns: [
      [FATIMA, 'مرحبا بوب،\n\nتم تغيير موعد التدريب إلى يوم الخميس الساعة الثانية ظهرا.\n\nمع التحية،\nفاطمة'],
      [BOB, 'شكرا فاطمة، سأكون هناك.'],
    ],
  },
  {
    subject: 'Φωτογραφίες από την εκδρομή',
    among: [ALICE, BOB],
    enclosed: 'large',
    filename: 'εκδρομή.png',
    turns: [
      [NIKOS, 'Καλησπέρα,\n\nσας στέλνω μια φωτογραφία από την εκδρομή στο βουνό.\n\nΝίκος'],
      [ALICE, 'Πολύ ωραία! Ευχαριστώ.'],
    ],
  },
  {
    subject: '关于证书到期的提醒',
    among: [ALICE],
    turns: [
      [WEI, '你好,Alice:\n\n测试服务器的证书将在十四天后到期,请及时更新。\n\n王伟'],
      [ALICE, '谢谢,已经更新了。'],
    ],
  },
  {
    subject: 'Invitation: review of the migration',
    among: [ALICE, BOB],
    enclosed: 'invitation',
    turns: [
      [BOB, 'Please find the invitation below. Half an hour should do.'],
      [ALICE, 'Accepted.'],
    ],
  },
  {
    subject: 'Kødfri fredag – hvem kommer?',
    among: [ALICE, BOB],
    charset: 'iso-8859-1',
    turns: [
      [SOREN, 'Hej alle,\n\nvi prøver igen på fredag. Jeg laver rødgrød bagefter.\n\nSøren'],
      [BOB, 'Jeg kommer gerne!'],
      [ALICE, 'Også mig.'],
      [SOREN, 'Så er vi tolv. Husk selv en tallerken.'],
    ],
  },
  {
    subject: 'Fwd: fattura n. 2026/118 – perché è raddoppiata?',
    among: [BOB],
    enclosed: 'forwarded',
    turns: [
      [
        ROSSI,
        'Buongiorno Bob,\n\nti inoltro il messaggio del fornitore: l’importo è più alto di quello concordato.\n\nCarla',
      ],
      [BOB, 'Grazie Carla, lo chiamo domani.'],
      [ROSSI, 'Risolto: è stato un errore loro, la correggono.'],
    ],
  },
  {
    subject:
      'Zażółć gęślą jaźń: test polskich znaków w długim temacie, który na pewno nie zmieści się w jednym wierszu nagłówka',
    among: [ALICE],
    turns: [
      [LUKASZ, 'Cześć,\n\nsprawdzam tylko, czy polskie znaki przechodzą przez nowy serwer.\n\nŁukasz'],
      [ALICE, 'Przechodzą. Pozdrawiam!'],
    ],
  },
  {
    subject: '[dev] Keeping IDLE connections through NAT',
    among: [ALICE, BOB],
    folder: 'Lists/dev',
    turns: [
      [
        SOREN,
        'Routers here forget connections after five minutes of silence. Does the front door do anything about it?',
      ],
      [LUKASZ, 'TCP keepalive, every two minutes. Look at the traffic with tcpdump.'],
      [ALICE, 'Right, and clients end IDLE themselves every 29 minutes at the latest.'],
      [SOREN, 'I see the probes. Thanks!'],
      [ZOE, 'Could this be in the documentation? I have just looked for it in vain.'],
      [BOB, 'Will add it.'],
    ],
  },
  {
    subject: '[dev] Which filter for logins by mail address?',
    among: [ALICE, BOB],
    folder: 'Lists/dev',
    turns: [
      [JURGEN, 'Our people type uid or mail address as they please. One filter for both?'],
      [BOB, '(&(objectClass=inetOrgPerson)(|(uid={login})(mail={login})))\n\nIt must match exactly one entry.'],
      [JURGEN, 'Works. Two entries had the same address, which was easy to find with "postern explain".'],
    ],
  },
];
