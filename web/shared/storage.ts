/** What a browser remembers of choices. In a frame of another site it may refuse to: then a choice holds until the page is closed. */
const kept = new Map<string, string>();

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(name) ?? kept.get(name) ?? null;
  } catch {
    return kept.get(name) ?? null;
  }
}

export function remember(name: string, value: string): void {
  kept.set(name, value);
  try {
    localStorage.setItem(name, value);
  } catch {
    // it is kept by this page
  }
}

export function forget(name: string): void {
  kept.delete(name);
  try {
    localStorage.removeItem(name);
  } catch {
    // nothing was stored
  }
}
