/** Whether the long forms run (`npm run test:long`): more users, more messages, more rounds of the same tests. */
export const long = process.env.POSTERN_LONG === '1';
