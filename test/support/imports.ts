import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a module names: files of ours by their path from the root, packages by their name. */
export interface Module {
  readonly path: string;
  /** Imported when it is loaded, or for its types. */
  readonly imports: readonly string[];
  /** Imported when it is asked for. */
  readonly later: readonly string[];
  /** Every identifier in it. */
  readonly names: ReadonlySet<string>;
}

const nameOf = (path: string, specifier: ts.Expression | undefined): string[] => {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return [];
  const { text } = specifier;
  return [
    text.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), text)).replace(/\.js$/, '.ts') : text,
  ];
};

export const readModule = (path: string): Module => {
  const source = ts.createSourceFile(path, readFileSync(resolve(ROOT, path), 'utf8'), ts.ScriptTarget.ES2023);
  const imports: string[] = [];
  const later: string[] = [];
  const names = new Set<string>();
  const walk = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
      imports.push(...nameOf(path, node.moduleSpecifier));
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      imports.push(...nameOf(path, node.argument.literal));
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      later.push(...nameOf(path, node.arguments[0]));
    ts.forEachChild(node, walk);
  };
  walk(source);
  return { path, imports, later, names };
};

const isOurs = (name: string): boolean => name.endsWith('.ts');

/** All modules of ours that one of them reaches; `later`: those too that it loads only when it comes to it. */
export const reached = (path: string, { later }: { later: boolean }): Module[] => {
  const found = new Map<string, Module>();
  const visit = (each: string): void => {
    if (found.has(each)) return;
    const module = readModule(each);
    found.set(each, module);
    [...module.imports, ...(later ? module.later : [])].filter(isOurs).forEach(visit);
  };
  visit(path);
  return [...found.values()];
};

/** Packages that some modules name. */
export const packagesOf = (modules: readonly Module[]): string[] =>
  [
    ...new Set(modules.flatMap((each) => [...each.imports, ...each.later]).filter((name) => !isOurs(name))),
  ].sort();

/** All modules under a folder. */
export const modulesUnder = (folder: string): Module[] =>
  readdirSync(resolve(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(isOurs)
    .map((each) => readModule(`${folder}/${each}`));
