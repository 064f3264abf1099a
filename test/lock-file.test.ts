/** The lock file fits package.json, and whoever installs on another platform finds what it needs there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

interface Package {
  readonly version?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
}
const read = (file: string): unknown => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'));
const { packages } = read('package-lock.json') as { packages: Readonly<Record<string, Package>> };
const product = read('package.json') as Package;

describe('the lock file', () => {
  it('is that of package.json: installing leaves it as it is', () => {
    const { version, license, dependencies, devDependencies, optionalDependencies } = product;
    expect(packages['']).toMatchObject({ version, license, dependencies, devDependencies, optionalDependencies });
  });

  it.each(['chdb', 'lmdb', 'msgpackr-extract', 'esbuild'])('%s: every optional package that it names is locked', (name) => {
    const named = Object.entries(packages[`node_modules/${name}`]?.optionalDependencies ?? {});
    expect(named.length).toBeGreaterThanOrEqual(4);
    for (const [part, version] of named) expect(packages[`node_modules/${part}`]?.version, part).toBe(version);
  });

  it.each(['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64'])('has what native code needs on %s', (platform) => {
    for (const native of ['@chdb/lib-', '@lmdb/lmdb-', '@msgpackr-extract/msgpackr-extract-']) {
      const found = Object.keys(packages).filter((name) => name.startsWith(`node_modules/${native}${platform}`));
      expect(found, `${native}${platform}`).not.toEqual([]);
    }
  });

  it('has no overrides: they would hold for a checkout, and not for who installs the package', () => {
    expect(product).not.toHaveProperty('overrides');
  });

  it('names no registry', () => {
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  });
});
