/** The version stands in package.json alone; everything that shows it reads it there, or is held to it here. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { productVersion } from '../../src/process/version.ts';
import { ran, ROOT } from '../deploy/program.ts';

const read = (file: string): string => readFileSync(`${ROOT}/${file}`, 'utf8');
const { version, bin } = JSON.parse(read('package.json')) as { version: string; bin: { uptally: string } };

describe('the version', () => {
  it('is that of package.json, in the product and on the command line', () => {
    expect(productVersion()).toBe(version);
    expect(ran(process.execPath, [bin.uptally, '--version']).output.trim()).toBe(version);
  });
  it('is that of the images that compose.yaml names', () => {
    expect(/UPTALLY_VERSION:-([\d.]+)/.exec(read('compose.yaml'))?.[1]).toBe(version);
  });
  it('has a chapter in the changelog', () => {
    expect(read('CHANGELOG.md')).toMatch(new RegExp(`^## ${version.replaceAll('.', '\\.')} \\(\\d{4}-\\d\\d-\\d\\d\\)$`, 'm'));
  });
});
