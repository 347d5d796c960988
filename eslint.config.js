import js from '@eslint/js';
import rxjsX from 'eslint-plugin-rxjs-x';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Rules of RxJS that carry weight here; finnish notation is checked by eye, since factories end in no `$`. */
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

/** What a listener of Node throws ends the process, with the connections of all: guard.ts alone puts listeners on. */
const unguarded = (selector) => ({
  selector,
  message: 'Listen by src/guard.ts: what a listener throws would end the process.',
});

export default defineConfig(
  globalIgnores(['.typedoc/', '.api/', 'dist/', 'coverage/', '.snippets/']),
  js.configs.recommended,
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
    files: ['src/transport/**/*.ts', 'src/web/**/*.ts', 'src/terminal/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        unguarded(
          'CallExpression[callee.property.name=/^(on|once|addListener|prependListener|prependOnceListener|addEventListener|setTimeout)$/]',
        ),
        unguarded(
          'CallExpression[callee.name=/^(setTimeout|setImmediate|setInterval|queueMicrotask)$/]:not([arguments.0.callee.name="guarded"])',
        ),
        // Its own listener is safe, what is done with its values is not: an error of theirs ends all that come after.
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
