import { listLicences } from './licences.mjs';
import { run } from './files.mjs';

/** The name under which vulnerability databases know a Node from the npm registry. */
const cpe = ({ name, version }) =>
  name.startsWith('node-linux-') ? { cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*` } : {};

/**
 * Returns the CycloneDX document of what is installed in a directory, as npm writes it, without the time, the random
 * number and the name of the directory.
 */
export const createSbom = (installed) => {
  const document = JSON.parse(
    run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'], { cwd: installed }),
  );
  const { metadata, components, dependencies } = document;
  const licences = new Map(
    listLicences(installed).map((each) => [`${each.name}@${each.version}`, each.license]),
  );
  const byKey = (key) => (a, b) => (a[key] < b[key] ? -1 : 1);
  const reproducible = {
    ...document,
    serialNumber: undefined,
    metadata: {
      ...metadata,
      timestamp: undefined,
      component: { ...metadata.component, name: metadata.component['bom-ref'].split('@')[0] },
    },
    components: components
      .map((each) => ({
        licenses: [{ license: { id: licences.get(each['bom-ref']) } }],
        ...each,
        ...cpe(each),
      }))
      .sort(byKey('bom-ref')),
    dependencies: dependencies
      .map((each) => ({ ...each, dependsOn: [...each.dependsOn].sort() }))
      .sort(byKey('ref')),
  };
  return `${JSON.stringify(reproducible, null, 2)}\n`;
};
