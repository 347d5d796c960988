export { classicClient } from './classicClient.js';
export type { ClassicClientOptions, ClassicEvent } from './classicClient.js';
export { classicServer } from './classicServer.js';
export type { ClassicServerEvent, ClassicServerOptions } from './classicServer.js';
export type { Authenticator } from './framing/tokenShape.js';
export type { ConnectedClient, ServeClientOptions } from './serveClient.js';
