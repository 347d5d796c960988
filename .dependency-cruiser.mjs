/**
 * The order of the folders: no cycles between files or folders, and the forbidden imports. `import type` counts like
 * an import of code.
 */
const error = (name, comment, from, to, rest = {}) => ({
  name,
  comment,
  severity: 'error',
  from,
  to,
  ...rest,
});

/** Modules that hold keys or plaintexts. */
const PLAINTEXT = '^streams/client/|^src/(crypto|browser)/.*[cC]ipher';

export default {
  forbidden: [
    error('no-cycle', 'A file must not import itself through other files.', {}, { circular: true }),
    error(
      'no-folder-cycle',
      'Two folders must not import each other.',
      {},
      { circular: true },
      { scope: 'folder' },
    ),
    error(
      'no-import-from-parent-folder',
      'A folder imports the folders in it, and none of them imports it. In src/net it is the other way round.',
      { path: '^((?:streams|src)/.+)/[^/]+/[^/]+$', pathNot: '^src/net/' },
      { path: '^$1/[^/]+$' },
    ),
    error(
      'net-imports-no-transport',
      'The files of src/net are what its transports are made of.',
      { path: '^src/net/[^/]+$' },
      { path: '^src/net/[^/]+/' },
    ),
    error(
      'streams-import-only-rxjs',
      'streams/ runs anywhere: it imports only RxJS and itself, nothing from src/ or Node.',
      { path: '^streams/' },
      { pathNot: '^(streams/|node_modules/rxjs/)' },
    ),
    error(
      'relay-names-no-plaintext',
      'A relay that cannot name a plaintext cannot leak it.',
      { path: '^streams/(rx|wire|relay)/|^src/relay/|^src/cli/commands/serve/' },
      { path: PLAINTEXT, reachable: true },
    ),
    error(
      'wire-imports-no-side',
      'Relay and client share the wire, so it imports neither.',
      { path: '^streams/(rx|wire)/' },
      { path: '^streams/(relay|client|classic)/' },
    ),
    error(
      'client-imports-no-relay',
      'Client and relay share only the wire.',
      { path: '^streams/client/' },
      { path: '^streams/(relay|classic)/' },
    ),
    error(
      'page-imports-no-command',
      'The page is not part of the command.',
      { path: '^src/page/' },
      { path: '^src/cli/' },
    ),
    error(
      'library-imports-no-command',
      'The command is built on the library, not the other way round.',
      { path: '^src/', pathNot: '^src/(cli|bin)/' },
      { path: '^src/cli/' },
    ),
    error(
      'base-imports-nothing-above',
      'All folders may import src/text and src/util, which import only each other and streams/.',
      { path: '^src/(text|util)/' },
      { path: '^src/', pathNot: '^src/(text|util)/' },
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules'] },
    skipAnalysisNotInRules: true,
  },
};
