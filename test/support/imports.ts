import { readdirSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The imports of a module: our files by their path from the root, packages by their name. */
export interface Module {
  readonly path: string;
  /** Imports at load time, or of types. */
  readonly imports: readonly string[];
  /** Imports by `import()`. */
  readonly dynamicImports: readonly string[];
  /** Every identifier in the module. */
  readonly identifiers: ReadonlySet<string>;
}

const resolveSpecifier = (path: string, specifier: ts.Expression | undefined): string[] => {
  if (specifier === undefined || !ts.isStringLiteral(specifier)) return [];
  const { text } = specifier;
  return [
    text.startsWith('.') ? relative(ROOT, resolve(ROOT, dirname(path), text)).replace(/\.js$/, '.ts') : text,
  ];
};

export const readModule = (path: string): Module => {
  const source = ts.createSourceFile(path, readFileSync(resolve(ROOT, path), 'utf8'), ts.ScriptTarget.ES2023);
  const imports: string[] = [];
  const next: string[] = [];
  const names = new Set<string>();
  const walk = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
      imports.push(...resolveSpecifier(path, node.moduleSpecifier));
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      imports.push(...resolveSpecifier(path, node.argument.literal));
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      next.push(...resolveSpecifier(path, node.arguments[0]));
    ts.forEachChild(node, walk);
  };
  walk(source);
  return { path, imports, dynamicImports: next, identifiers: names };
};

const isProjectFile = (name: string): boolean => name.endsWith('.ts');

/** Returns all our modules that one of them reaches. With `next`, dynamic imports count too. */
export const reachableModules = (path: string, { next: following }: { next: boolean }): Module[] => {
  const found = new Map<string, Module>();
  const visit = (each: string): void => {
    if (found.has(each)) return;
    const module = readModule(each);
    found.set(each, module);
    [...module.imports, ...(following ? module.dynamicImports : [])].filter(isProjectFile).forEach(visit);
  };
  visit(path);
  return [...found.values()];
};

/** Returns the packages that the modules import. */
export const packagesOf = (modules: readonly Module[]): string[] =>
  [
    ...new Set(
      modules
        .flatMap((each) => [...each.imports, ...each.dynamicImports])
        .filter((name) => !isProjectFile(name)),
    ),
  ].sort();

/** Returns all modules in a folder. */
export const modulesUnder = (folder: string): Module[] =>
  readdirSync(resolve(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(isProjectFile)
    .map((each) => readModule(`${folder}/${each}`));
