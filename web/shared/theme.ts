/** Dark or light: as the system says, unless it was chosen here. */
import { recall, remember } from './storage.ts';

export const THEMES = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORED = 'uptally-theme';

export function theme(): Theme {
  const stored = recall(STORED);
  return THEMES.find((one) => one === stored) ?? 'auto';
}

export function setTheme(chosen: Theme): void {
  remember(STORED, chosen);
  applyTheme();
}

export function applyTheme(): void {
  document.documentElement.dataset['theme'] = theme();
}
