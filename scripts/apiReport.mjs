/**
 * Writes the exports of each entry of the library as text for reviews: docs/api/*.api.md. Without `--write` it
 * compares, and exits with 1 if they differ.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = resolve(import.meta.dirname, '..');
const types = join(root, '.api');
const reports = join(root, 'docs/api');
const writes = process.argv.includes('--write');
const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

rmSync(types, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
execFileSync(
  process.execPath,
  [
    join(root, 'node_modules/typescript/bin/tsc'),
    ...['-p', 'tsconfig.build.json', '--emitDeclarationOnly', '--declarationMap', 'false'],
    ...['--sourceMap', 'false', '--outDir', types],
  ],
  { cwd: root, stdio: 'inherit' },
);

const silent = { default: { logLevel: 'none' } };
let differ = false;
for (const [entry, { types: file } = {}] of Object.entries(entries)) {
  if (file === undefined) continue;
  const forgotten = [];
  const name = entry === '.' ? 'rxchat' : entry.slice('./'.length);
  const { apiReportChanged } = Extractor.invoke(
    ExtractorConfig.prepare({
      configObjectFullPath: join(types, 'api-extractor.json'),
      packageJsonFullPath: join(root, 'package.json'),
      configObject: {
        projectFolder: root,
        newlineKind: 'lf',
        mainEntryPointFilePath: join(types, file.replace(/^\.\/dist\//, '')),
        compiler: {
          overrideTsconfig: {
            extends: join(root, 'tsconfig.json'),
            compilerOptions: { noEmit: true },
            files: [join(types, file.replace(/^\.\/dist\//, ''))],
            include: [],
          },
        },
        apiReport: {
          enabled: true,
          reportFileName: `${name}.api.md`,
          reportFolder: reports,
          reportTempFolder: types,
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          compilerMessageReporting: { default: { logLevel: 'error' } },
          extractorMessageReporting: {
            default: { logLevel: 'none' },
            // A type that a signature names and that its entry does not export. Users could not write it, nor could
            // tsc.
            'ae-forgotten-export': { logLevel: 'error', addToApiReportFile: false },
          },
          tsdocMessageReporting: silent,
        },
      },
    }),
    {
      localBuild: writes,
      messageCallback: (message) => {
        message.handled = message.logLevel !== 'error' || message.messageId === 'ae-forgotten-export';
        if (message.messageId === 'ae-forgotten-export') forgotten.push(message.text);
      },
    },
  );
  for (const text of forgotten) {
    differ = true;
    console.error(`${entry}: ${text}`);
  }
  if (apiReportChanged && !writes) {
    differ = true;
    console.error(
      `docs/api/${name}.api.md is not what ${entry} exports: npm run api, and look at what changed`,
    );
  }
}
rmSync(types, { recursive: true });
process.exitCode = differ ? 1 : 0;
