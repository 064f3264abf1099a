/** How plans, accounts, VMs and sources are named: the alphabet and the length of a sample's `vm`, for expressions that hold names. */
export const IDENTIFIER = '[A-Za-z0-9._:-]{1,64}';

const WHOLE = new RegExp(`^${IDENTIFIER}$`);

export function isIdentifier(text: string): boolean {
  return WHOLE.test(text);
}
