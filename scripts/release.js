/**
 * Everything that a release consists of, in one folder:
 *
 *     npm run release -- FOLDER [--key PRIVATE_SSH_KEY]
 *
 * FOLDER is made, and must be empty if it exists. In it come to lie the package (`npm pack`: the same bytes from the same commit), its bill
 * of materials (CycloneDX, production dependencies of the lock file alone), the licences of these, and `SHA256SUMS` over the three; with --key
 * `SHA256SUMS.sig` too, which `ssh-keygen -Y verify -n uptally` checks. Exits with 1 and says why where one of them cannot be made.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { productionLicences } from './licences.js';

const NAMESPACE = 'uptally';

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

const npm = (...args) => execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] });

const { values, positionals } = parseArgs({ allowPositionals: true, options: { key: { type: 'string' } } });
const [folder, ...others] = positionals;
if (folder === undefined || others.length > 0) fail('Usage: npm run release -- FOLDER [--key PRIVATE_SSH_KEY]');
mkdirSync(folder, { recursive: true });
if (readdirSync(folder).length > 0) fail(`${folder} is not empty: give an empty folder, or one that is not there yet`);

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const [{ filename }] = JSON.parse(npm('pack', '--json', '--ignore-scripts', '--pack-destination', folder));
const files = [filename, `uptally-${version}.cdx.json`, `uptally-${version}.licences.txt`];

const production = productionLicences();
const bill = JSON.parse(npm('sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'));
// npm's own `--omit dev` leaves out what a production dependency shares with one for development
const shipped = new Set(production.map(({ name, version: ofPackage }) => `${name}@${ofPackage}`));
const isShipped = (ref) => shipped.has(ref) || ref === bill.metadata.component['bom-ref'];
bill.components = bill.components.filter((each) => isShipped(each['bom-ref']));
bill.dependencies = bill.dependencies
  .filter(({ ref }) => isShipped(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isShipped) }));
// when and under which number it was written says nothing of the release: without them, the same commit gives the same bytes
delete bill.serialNumber;
delete bill.metadata.timestamp;
bill.metadata.component.name = 'uptally'; // npm says the folder's
writeFileSync(join(folder, files[1]), `${JSON.stringify(bill, null, 2)}\n`);
writeFileSync(
  join(folder, files[2]),
  production.map(({ name, version: ofPackage, licence }) => `${name} ${ofPackage}: ${licence}\n`).join(''),
);

const sums = files.map(
  (file) =>
    `${createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex')}  ${file}\n`,
);
writeFileSync(join(folder, 'SHA256SUMS'), sums.join(''));
if (values.key !== undefined) {
  try {
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', values.key, '-n', NAMESPACE, join(folder, 'SHA256SUMS')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    fail(`ssh-keygen did not sign: ${String(error.stderr ?? error.message).trim()}`);
  }
}
process.stdout.write(`${readdirSync(folder).sort().join('\n')}\n`);
