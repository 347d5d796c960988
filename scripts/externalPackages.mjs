/** The packages that the built command imports from node_modules. Everything else is in its bundle. */
export const EXTERNAL_PACKAGES = [
  'pino',
  'prom-client',
  'fernet',
  'lmdb',
  'selfsigned',
  'ws',
  '@nats-io/transport-node',
];
