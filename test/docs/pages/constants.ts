/** The named numbers of the sources, read from their syntax: exported or not, with what is written above them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { ROOT } from './markdown.ts';

export interface Constant {
  /** From the repository's root. */
  readonly file: string;
  /** `NAME`, or `NAME.property` of an object of numbers. */
  readonly name: string;
  readonly value: number;
  readonly comment: string;
}

/** All constants of the files under a folder whose values are arithmetic on numbers, in the order of the files. */
export function constantsUnder(folder: string): Constant[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.gen.ts'))
    .toSorted()
    .flatMap((path) => constantsOf(`${folder}/${path}`));
}

function constantsOf(file: string): Constant[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Constant[] = [];
  const values = new Map<string, number>();
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (!ts.isIdentifier(name) || initializer === undefined || !/^[A-Z][A-Z0-9_]*$/.test(name.text)) continue;
      const comment = commentOf(statement);
      const value = numberOf(initializer, values);
      if (value !== undefined) {
        values.set(name.text, value);
        found.push({ file, name: name.text, value, comment });
      }
      const object = ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (!ts.isObjectLiteralExpression(object)) continue;
      for (const property of object.properties) {
        if (!ts.isPropertyAssignment(property) || !ts.isIdentifier(property.name)) continue;
        const part = numberOf(property.initializer, values);
        if (part !== undefined) found.push({ file, name: `${name.text}.${property.name.text}`, value: part, comment });
      }
    }
  }
  return found;
}

function commentOf(node: ts.VariableStatement): string {
  const [doc] = ts.getJSDocCommentsAndTags(node);
  const text = doc === undefined || !ts.isJSDoc(doc) ? undefined : ts.getTextOfJSDocComment(doc.comment);
  return (text ?? '').replaceAll(/\s+/g, ' ').trim();
}

/** The value of arithmetic on numbers and on constants above it; undefined for anything else. */
function numberOf(node: ts.Expression, known: ReadonlyMap<string, number>): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text);
  if (ts.isIdentifier(node)) return known.get(node.text);
  if (ts.isParenthesizedExpression(node)) return numberOf(node.expression, known);
  if (!ts.isBinaryExpression(node)) return undefined;
  const left = numberOf(node.left, known);
  const right = numberOf(node.right, known);
  if (left === undefined || right === undefined) return undefined;
  switch (node.operatorToken.kind) {
    case ts.SyntaxKind.AsteriskToken:
      return left * right;
    case ts.SyntaxKind.AsteriskAsteriskToken:
      return left ** right;
    case ts.SyntaxKind.PlusToken:
      return left + right;
    case ts.SyntaxKind.MinusToken:
      return left - right;
    default:
      return undefined;
  }
}
