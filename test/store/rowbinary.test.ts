import { expect, it } from 'vitest';
import { columnsOf, insertSelect } from '../../src/store/rowbinary.ts';
import { statementsOf } from '../../src/store/migrations.ts';

it.each([
  ['a String', ['a']],
  ["a String, b DateTime64(3, 'UTC'), c Array(Tuple(UInt8, UInt8))", ['a', 'b', 'c']],
])('reads the columns of %s', (structure, columns) => {
  expect(columnsOf(structure)).toEqual(columns);
});

it.each(['', 'a', 'a String,', "a'; DROP"])('refuses %j as a structure', (structure) => {
  expect(() => columnsOf(structure)).toThrow('not a RowBinary structure');
});

it('puts the token in the statement, quoted', () => {
  expect(insertSelect('t', 'a String', 's', "x'\\")).toContain("insert_deduplication_token = 'x\\'\\\\' SELECT a FROM s");
});

it('splits statements at semicolons that end a line, and keeps those within one', () => {
  expect(statementsOf("-- only a comment;\nSELECT ';' AS a;\n\nSELECT 2;  \n-- the end\n")).toEqual([
    "SELECT ';' AS a",
    'SELECT 2',
  ]);
});
