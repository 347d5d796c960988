/**
 * Bootstraps the component of examples/angular with zone.js. Prints the rendered text whenever the application is
 * stable, and for each message whether it arrived inside Angular's zone. A copy runs next to the compiled example.
 */
import 'zone.js/node';
import '@angular/compiler';
import { DOCUMENT } from '@angular/common';
import { ApplicationRef, NgZone } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { INITIAL_CONFIG, platformServer } from '@angular/platform-server';
import { switchMap } from 'rxjs';
import { config } from './config.js';
import { RoomComponent, SESSION } from './room.component.js';
import { outsideAngular } from './zone.js';

const platformRef = platformServer([
  { provide: INITIAL_CONFIG, useValue: { document: '<chat-room></chat-room>' } },
]);
const { injector } = await bootstrapApplication(RoomComponent, config, { platformRef });
const { body } = injector.get(DOCUMENT);

injector
  .get(SESSION)
  .pipe(
    switchMap(({ message$ }) => message$),
    outsideAngular(injector.get(NgZone)),
  )
  .subscribe(({ text }) => {
    console.log(`${text}: in the zone: ${NgZone.isInAngularZone()}`);
  });

injector.get(ApplicationRef).isStable.subscribe((isStable) => {
  if (isStable) console.log(`stable: ${body.textContent.replaceAll(/\s+/g, ' ').trim()}`);
});
