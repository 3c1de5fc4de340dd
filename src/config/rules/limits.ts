import type { Rule } from '../draft.ts';

const literalBeforeLogin: Rule = ({ limits }, report) => {
  if (!limits || limits.literal_before_login <= limits.literal) return;
  report.error({
    path: ['limits', 'literal_before_login'],
    message: 'a literal may be longer before login than after it',
    mend: 'write literal_before_login no larger than literal',
  });
};

const addressWithinAll: Rule = ({ limits }, report) => {
  if (!limits || limits.per_address <= limits.connections) return;
  report.warning({
    path: ['limits', 'per_address'],
    message: `one address may open ${limits.per_address} connections, more than all together (${limits.connections})`,
    mend: 'write per_address below connections, so that one address cannot shut out the others',
  });
};

/** RFC 9051 §5.4: an autologout timer must be of at least 30 minutes. */
const idleLongEnough: Rule = ({ limits }, report) => {
  if (!limits || limits.idle >= 30 * 60_000) return;
  report.warning({
    path: ['limits', 'idle'],
    message: 'clients may be silent for 30 minutes (RFC 9051 §5.4), and this logs them out before',
    mend: 'write 30m or more',
  });
};

const throttleMaximum: Rule = ({ throttle }, report) => {
  if (!throttle || throttle.maximum >= throttle.delay) return;
  report.error({
    path: ['authentication', 'throttle', 'maximum'],
    message: 'the longest delay is shorter than the least',
    mend: 'write maximum no smaller than delay',
  });
};

const oneProcess: Rule = ({ workers }, report) => {
  if (typeof workers !== 'number' || !Number.isSafeInteger(workers) || workers <= 1) return;
  report.error({
    path: ['server', 'workers'],
    message: `${workers} processes: this version runs one process`,
    mend: 'write 1',
  });
};

export const limitRules: readonly Rule[] = [
  oneProcess,
  literalBeforeLogin,
  addressWithinAll,
  idleLongEnough,
  throttleMaximum,
];
