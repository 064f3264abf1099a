/** Mappings that come with the product (`schemas/sources/`), by the name of their file. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installedFolder } from '../process/installation.ts';
import { type SourceBody, sourceBody } from './mapping.ts';

let loaded: ReadonlyMap<string, SourceBody> | undefined;

/** All presets, read once. */
export function presets(): ReadonlyMap<string, SourceBody> {
  const folder = installedFolder('schemas/sources');
  loaded ??= new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map((file) => [file.slice(0, -'.json'.length), sourceBody.parse(JSON.parse(readFileSync(join(folder, file), 'utf8')))]),
  );
  return loaded;
}

export function preset(id: string): SourceBody | undefined {
  return presets().get(id);
}
