/** A key, once. */
import type { JSX } from 'preact';
import { login } from '../shared/api.ts';
import { Field, Form, Heading } from '../shared/ui.tsx';
import { say } from '../shared/words.ts';

export function Login({ onIn }: { onIn: () => void }): JSX.Element {
  return (
    <div class="login">
      <Heading title={say('login')}>{say('login')}</Heading>
      <p class="muted">{say('login.how')}</p>
      <Form
        label={say('login')}
        submit={say('login')}
        run={async (fields) => {
          await login((fields['key'] ?? '').trim());
          onIn();
        }}
      >
        <Field name="key" label={say('login.key')} type="password" required />
      </Form>
    </div>
  );
}
