/**
 * Renders the component to HTML when it is online, without a browser, so that you can try it anywhere. In a page,
 * `bootstrapApplication` is sufficient, with `openSession` of `rxchat/browser`.
 *
 * RXCHAT_INVITE='rxchat://...' node main.js
 * RXCHAT_INVITE='rxchat://...' node --import zone.js/node main.js
 */
import '@angular/compiler';
import { bootstrapApplication, type BootstrapContext } from '@angular/platform-browser';
import { renderApplication } from '@angular/platform-server';
import { config } from './config.js';
import { RoomComponent } from './room.component.js';

const html = await renderApplication(
  (context: BootstrapContext) => bootstrapApplication(RoomComponent, config, context),
  { document: '<chat-room></chat-room>' },
);
console.log(html);
