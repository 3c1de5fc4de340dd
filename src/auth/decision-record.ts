export type Stage =
  | 'normalise'
  | 'throttle'
  | 'cache'
  | 'shield'
  | 'directory'
  | 'app-password'
  | 'policy'
  | 'route'
  | 'upstream';

export interface DecisionStep {
  readonly stage: Stage;
  readonly outcome: 'ok' | 'skip' | 'fail';
  /** For administrators; holds no secret, is never sent to a client. */
  readonly detail: string;
}

/** Why somebody was let in, or not, and sent where: what `postern explain` prints and a failed login leaves in the log. */
export class DecisionRecord {
  readonly #steps: DecisionStep[] = [];

  step(stage: Stage, outcome: DecisionStep['outcome'], detail: string): void {
    this.#steps.push({ stage, outcome, detail });
  }

  get steps(): readonly DecisionStep[] {
    return this.#steps;
  }
}

class ForgetfulRecord extends DecisionRecord {
  override step(): void {}
}

/** Keeps nothing; may be shared by everybody. */
export const NO_RECORD: DecisionRecord = new ForgetfulRecord();
