/** The same without some of its members. */
export function without<T extends object, K extends keyof T>(from: T, ...keys: readonly K[]): Omit<T, K> {
  const kept = { ...from };
  for (const key of keys) Reflect.deleteProperty(kept, key);
  return kept;
}
