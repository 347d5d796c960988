import js from '@eslint/js';
import rxjsX from 'eslint-plugin-rxjs-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import plainNames from './scripts/eslint/plainNames.mjs';

/** Lint rules for RxJS. Names with `$` are not checked, because functions that return an Observable have none. */
const rxjs = {
  'rxjs-x/no-nested-subscribe': 'error',
  'rxjs-x/no-async-subscribe': 'error',
  'rxjs-x/no-ignored-error': 'error',
  'rxjs-x/no-exposed-subjects': 'error',
  'rxjs-x/no-unsafe-takeuntil': 'error',
  'rxjs-x/no-ignored-replay-buffer': 'error',
  'rxjs-x/no-sharereplay': 'error',
  'rxjs-x/throw-error': 'error',
  'rxjs-x/finnish': 'off',
};

/**
 * An error in a listener of Node ends the process with all connections. Only guard.ts adds listeners, and catches it.
 */
const unguarded = (selector) => ({
  selector,
  message: 'Add listeners with src/util/guard.ts: an error in a listener would end the process.',
});

export default defineConfig(
  globalIgnores(['.typedoc/', '.api/', 'dist/', 'coverage/', '.snippets/']),
  js.configs.recommended,
  {
    plugins: { project: { rules: { 'plain-names': plainNames } } },
    rules: { 'project/plain-names': 'error' },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'rxjs-x': rxjsX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...rxjs,
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'rxjs-x/no-ignored-error': 'off',
    },
  },
  {
    files: ['src/net/**/*.ts', 'src/terminal/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        unguarded(
          'CallExpression[callee.property.name=/^(on|once|addListener|prependListener|prependOnceListener|addEventListener|setTimeout)$/]',
        ),
        unguarded(
          'CallExpression[callee.name=/^(setTimeout|setImmediate|setInterval|queueMicrotask)$/]:not([arguments.0.callee.name="guard"])',
        ),
        // A listener of `fromEvent` cannot throw, but an error of a later operator would end the subscription to all
        // later events.
        unguarded("CallExpression[callee.name='fromEvent']:not([arguments.1.value=/^(drain|resize)$/])"),
      ],
    },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        ['process', 'console', 'performance', 'URL', 'Buffer', 'AbortSignal', 'setImmediate'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
);
