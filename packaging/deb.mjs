import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { copy, listFiles, normalize, run, write } from './files.mjs';

/** The names of the processor in Debian. */
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

/** What the unit of docs/operations needs as a part of a package. */
const UNIT_CHANGES = [
  [/^# .*\n/, '# A relay under systemd.\n'],
  [/^# Other flags are in (.*)$/m, '# All other flags are in $1'],
  [/^ExecStart=.*$/m, 'ExecStart=/usr/bin/rxchat serve --data ${STATE_DIRECTORY}'],
  [/^# Create it with useradd .*\n/m, ''],
];

const createUnit = (text) =>
  UNIT_CHANGES.reduce((unit, [pattern, replacement]) => {
    if (!pattern.test(unit)) throw new Error(`docs/operations/rxchat.service has no line ${String(pattern)}`);
    return unit.replace(pattern, replacement);
  }, text);

const gzip = (text) => gzipSync(text, { level: 9 });

const { DEBFULLNAME = 'The rxchat authors', DEBEMAIL = 'rxchat@rxchat.invalid' } = process.env;
const MAINTAINER = `${DEBFULLNAME} <${DEBEMAIL}>`;

/** Files for Prometheus, Grafana and systemd that an administrator may use. */
const EXAMPLES = ['alerts.yml', 'grafana.json', 'prometheus.yml', 'rxchat.socket'];

/** Debian's own changelog, which says only which version of rxchat is packaged. */
const createChangelog = (version, date) => `rxchat (${version}) unstable; urgency=medium

  * A package of rxchat. What has changed is in changelog.gz.

 -- ${MAINTAINER}  ${date.toUTCString().replace('GMT', '+0000')}
`;

/** Packs the tree for Debian and what derives from it, with the unit, a system user and a file of settings. */
export const packDeb = ({ root, workDir, outDir, tree, version, revision, date }) => {
  const source = join(root, 'packaging/debian');
  const dir = join(workDir, 'deb');
  const full = `${version}-${revision}`;
  const architecture = ARCHITECTURES[process.arch];
  const doc = join(dir, 'usr/share/doc/rxchat');
  cpSync(tree, join(dir, 'usr'), { recursive: true });
  write(join(doc, 'changelog.gz'), gzip(readFileSync(join(root, 'CHANGELOG.md'))));
  write(join(doc, 'changelog.Debian.gz'), gzip(createChangelog(full, date)));
  copy(join(source, 'lintian-overrides'), join(dir, 'usr/share/lintian/overrides/rxchat'));
  const unit = readFileSync(join(root, 'docs/operations/rxchat.service'), 'utf8');
  write(join(dir, 'usr/lib/systemd/system/rxchat.service'), createUnit(unit));
  copy(join(source, 'config.json'), join(dir, 'etc/rxchat/config.json'));
  for (const example of EXAMPLES)
    copy(join(root, 'docs/operations', example), join(doc, 'examples', example));

  const files = listFiles(dir);
  const contents = files.map((path) => [path, readFileSync(join(dir, path))]);
  const bytes = contents.reduce((sum, [, content]) => sum + content.length, 0);
  const fields = {
    VERSION: full,
    ARCHITECTURE: architecture,
    MAINTAINER,
    SIZE: String(Math.ceil(bytes / 1024)),
  };
  const control = readFileSync(join(source, 'control'), 'utf8').replaceAll(
    /@([A-Z]+)@/g,
    (_, name) => fields[name],
  );
  write(join(dir, 'DEBIAN/control'), control);
  write(join(dir, 'DEBIAN/conffiles'), '/etc/rxchat/config.json\n');
  const sums = contents
    .filter(([path]) => !path.startsWith('etc/'))
    .map(([path, content]) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`);
  write(join(dir, 'DEBIAN/md5sums'), sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    write(join(dir, 'DEBIAN', script), readFileSync(join(source, script)), 0o755);
  normalize(dir, date);

  // Level 6 takes six times as long, and saves a seventh. With several threads the bytes would differ.
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--threads-max=1', '--build', dir, outDir], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(Math.floor(date.getTime() / 1000)) },
  });
  rmSync(dir, { recursive: true });
  return join(outDir, `rxchat_${full}_${architecture}.deb`);
};
