/** Mappings that come with the product (`schemas/sources/`), by the name of their file. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type SourceBody, sourceBody } from './mapping.ts';

/** `schemas/sources` of this installation, whether it runs from src/ or dist/. */
function presetsFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'schemas', 'sources');
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) throw new Error('schemas/sources is missing from this installation');
  }
}

let loaded: ReadonlyMap<string, SourceBody> | undefined;

/** All presets, read once. */
export function presets(): ReadonlyMap<string, SourceBody> {
  loaded ??= new Map(
    readdirSync(presetsFolder())
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => [
        file.slice(0, -'.json'.length),
        sourceBody.parse(JSON.parse(readFileSync(join(presetsFolder(), file), 'utf8'))),
      ]),
  );
  return loaded;
}

export function preset(id: string): SourceBody | undefined {
  return presets().get(id);
}
