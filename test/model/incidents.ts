/** Incidents straight from SPEC §4, tick by tick: no intervals, no sweeping. */
export interface ModelIncident {
  readonly from: number;
  readonly to: number;
  readonly cause: number;
  readonly assertsDown: boolean;
  readonly withdrawn: boolean;
}

/** The condition of every tick after incidents (in the order they were recorded); 0 is up. */
export function modelIncidents(reported: readonly number[], incidents: readonly ModelIncident[]): number[] {
  return reported.map((condition, tick) => {
    let counts: ModelIncident | null = null;
    for (const incident of incidents) {
      if (!incident.withdrawn && incident.from <= tick && tick < incident.to) counts = incident;
    }
    if (counts === null) return condition;
    if (condition === 0 && !counts.assertsDown) return 0;
    return counts.cause;
  });
}
