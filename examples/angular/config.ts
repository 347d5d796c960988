import {
  type ApplicationConfig,
  inject,
  NgZone,
  PendingTasks,
  provideAppInitializer,
  provideZoneChangeDetection,
  provideZonelessChangeDetection,
} from '@angular/core';
import { provideServerRendering } from '@angular/platform-server';
import { filter, firstValueFrom, switchMap } from 'rxjs';
import { openSession, shareSession } from 'rxchat';
import { SESSION } from './room.component.js';
import { outsideAngular } from './zone.js';

export const config: ApplicationConfig = {
  providers: [
    'Zone' in globalThis ? provideZoneChangeDetection() : provideZonelessChangeDetection(),
    provideServerRendering(),
    {
      provide: SESSION,
      useFactory: () =>
        openSession(process.env['RXCHAT_INVITE'] ?? '', { nick: 'page', last: 10 }).pipe(
          shareSession(),
          outsideAngular(inject(NgZone)),
        ),
    },
    // The HTML is rendered when this is done.
    provideAppInitializer(() => {
      const online$ = inject(SESSION).pipe(
        switchMap(({ state$ }) => state$),
        filter(({ type }) => type === 'online'),
        outsideAngular(inject(NgZone)),
      );
      inject(PendingTasks).run(async () => {
        await firstValueFrom(online$);
      });
    }),
  ],
};
