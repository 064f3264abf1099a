/** Gauges that are read when they are asked for. */
import { Gauge, type Registry } from 'prom-client';

/** Makes gauges without labels in a registry. */
export function gaugesOf(registry: Registry): (name: string, help: string, read: () => number) => void {
  return (name, help, read) => {
    const made: Gauge = new Gauge({
      name: `uptally_${name}`,
      help,
      registers: [registry],
      collect() {
        made.set(read());
      },
    });
  };
}
