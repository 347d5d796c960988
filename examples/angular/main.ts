/**
 * The component, rendered to HTML once it shows the newest message of the room: without zone.js, and without a browser,
 * so that it can be tried anywhere. In a page `bootstrapApplication` alone does it, with `connect` of `rxchat/browser`.
 *
 * RXCHAT_INVITE='rxchat://...' node main.js
 */
import '@angular/compiler';
import {
  type ApplicationConfig,
  inject,
  PendingTasks,
  provideAppInitializer,
  provideZonelessChangeDetection,
} from '@angular/core';
import { bootstrapApplication, type BootstrapContext } from '@angular/platform-browser';
import { provideServerRendering, renderApplication } from '@angular/platform-server';
import { filter, firstValueFrom, switchMap } from 'rxjs';
import { connect, shareSession } from 'rxchat';
import { RoomComponent, SESSION } from './room.component.js';

const config: ApplicationConfig = {
  providers: [
    provideZonelessChangeDetection(),
    provideServerRendering(),
    {
      provide: SESSION,
      useFactory: () =>
        connect(process.env['RXCHAT_INVITE'] ?? '', { nick: 'page', last: 10 }).pipe(shareSession()),
    },
    // The HTML is taken once this is done.
    provideAppInitializer(() => {
      const online$ = inject(SESSION).pipe(
        switchMap(({ state$ }) => state$),
        filter(({ type }) => type === 'online'),
      );
      inject(PendingTasks).run(async () => {
        await firstValueFrom(online$);
      });
    }),
  ],
};

const html = await renderApplication(
  (context: BootstrapContext) => bootstrapApplication(RoomComponent, config, context),
  { document: '<chat-room></chat-room>' },
);
console.log(html);
