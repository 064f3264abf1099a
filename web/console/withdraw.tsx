/** What was recorded and may be taken back: the button that does, or that it was. */
import type { JSX } from 'preact';
import { ask } from '../shared/api.ts';
import { Badge, Deed } from '../shared/ui.tsx';
import { say } from '../shared/words.ts';

interface WithdrawProps {
  /** What is asked to be deleted. */
  readonly path: string;
  readonly withdrawnAt: string | null;
  readonly onDone: () => void;
}

export function Withdraw({ path, withdrawnAt, onDone }: WithdrawProps): JSX.Element {
  return withdrawnAt === null ? (
    <Deed
      label={say('incident.withdraw')}
      kind="danger"
      sure={say('incident.withdraw.sure')}
      run={async () => {
        await ask(path, { method: 'DELETE' });
        onDone();
      }}
    />
  ) : (
    <Badge family="state" code="withdrawn" />
  );
}
