/** A time as a table shows it: days, hours, minutes, seconds, those that are there; `-` where it is not over. */
export function durationText(ms: number | null): string {
  if (ms === null) return '-';
  const parts = [
    [Math.floor(ms / 86_400_000), 'd'],
    [Math.floor(ms / 3_600_000) % 24, 'h'],
    [Math.floor(ms / 60_000) % 60, 'min'],
    [(ms % 60_000) / 1000, 's'],
  ] as const;
  const shown = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}`);
  return shown.length === 0 ? '0 s' : shown.join(' ');
}
