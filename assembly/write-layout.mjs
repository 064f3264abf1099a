/**
 * Writes what the host knows of layout.ts, and the fold: `node assembly/write-layout.mjs`, the first part of the build. With --check it
 * writes nothing and ends with 1 where a file is not what it would write.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const at = (path) => new URL(path, import.meta.url);
const LINE = /^export const ([A-Z][A-Z0-9_]*): [a-z0-9]+ = ([^;]+);/gm;

/** Every constant of the layout with its value; each is a sum of numbers and of constants before it. */
function constantsIn(source) {
  const values = new Map();
  for (const [, name, sum] of source.matchAll(LINE)) {
    const terms = sum.split('+').map((term) => values.get(term.trim()) ?? Number(term));
    if (terms.some(Number.isNaN)) throw new Error(`assembly/layout.ts: ${name} is no sum of numbers and of constants before it`);
    values.set(
      name,
      terms.reduce((a, b) => a + b, 0),
    );
  }
  const lines = source.match(/^export /gm)?.length ?? 0;
  if (lines !== values.size) throw new Error('assembly/layout.ts: a line is no `export const NAME: type = sum;`');
  return values;
}

/** FNV-1a over every name and value, in the order of the file. */
function foldOf(values) {
  let fold = 0x811c9dc5;
  for (const [name, value] of values)
    for (const byte of Buffer.from(`${name}=${value}\n`)) fold = Math.imul(fold ^ byte, 0x01000193) >>> 0;
  return fold;
}

/** The constants whose names begin so, in the order of their values, by the rest of their names. */
function numbered(values, prefix, value = (n) => n) {
  return [...values]
    .filter(([name]) => name.startsWith(prefix))
    .sort(([, a], [, b]) => a - b)
    .map(([name, n]) => `  ${name.slice(prefix.length).toLowerCase()}: ${value(n)},`);
}

const table = (name, lines) => `export const ${name} = {\n${lines.join('\n')}\n} as const;\n`;

function hostFile(values) {
  const of = (name) => values.get(name) ?? 0;
  const places = /^(HEADER|H_|VM_|COLD_|NIC_|CHAIN_|PHASE_|PLAN_|FRAME_|RECORD_|ENVELOPE)/;
  const alone = /^(FLAG_|KIND_|EMIT_)/;
  const all = [...values];
  return [
    '// Written by assembly/write-layout.mjs from assembly/layout.ts, which draws and explains it: npm run build:layout.\n',
    '/** One number over every line of the layout: what a kernel is built from, and what a checkpoint is of. */',
    `export const LAYOUT_FOLD = ${foldOf(values)};\n`,
    table(
      'LAYOUT',
      all.filter(([name]) => places.test(name)).map(([name, value]) => `  ${name}: ${value},`),
    ),
    '/** Outputs of aggregation: each has start, position and limit (u32) at H_OUT + 16 × its number. */',
    table('OUTPUTS', numbered(values, 'OUT_', (n) => (n - of('H_OUT')) / 16)),
    '/** Counters since the log began: u64 at H_COUNTERS + 8 × number; rejections by code follow from `rejected` on. */',
    table('COUNTERS', numbered(values, 'C_', (n) => (n - of('H_COUNTERS')) / 8)),
    `export const COUNTER_WORDS = ${of('COUNTERS')};\n`,
    '/** Why a sample is refused, as the kernel numbers it, and the fields that are meant. */',
    table('REJECTION_NUMBERS', numbered(values, 'REJECT_')),
    table('FIELD_NUMBERS', numbered(values, 'FIELD_')),
    ...all.filter(([name]) => alone.test(name)).map(([name, value]) => `export const ${name} = ${value};`),
    '',
  ].join('\n');
}

const values = constantsIn(readFileSync(at('layout.ts'), 'utf8'));
const files = {
  '../src/kernel/layout.gen.ts': hostFile(values),
  'layout-fold.gen.ts': `// Written by write-layout.mjs from layout.ts.\nexport const LAYOUT_FOLD: u32 = ${foldOf(values)};\n`,
};
for (const [path, text] of Object.entries(files)) {
  if (existsSync(at(path)) && readFileSync(at(path), 'utf8') === text) continue;
  if (process.argv.includes('--check')) {
    process.stderr.write(`assembly/${path} is not what assembly/layout.ts says: npm run build:layout\n`);
    process.exitCode = 1;
  } else writeFileSync(at(path), text);
}
