import { Observable, Subscription } from 'rxjs';
import { controlLine } from '../wire/control.js';
import { encodeLine } from '../wire/utf8.js';
import type { Member } from './commands.js';
import { type Deliverer, Delivery } from './delivery.js';
import type { Failed, RoomEvent } from './roomEvent.js';

export interface ServeMembersOptions {
  /** Emits when the log has grown. */
  readonly grown$: Observable<unknown>;
  readonly retryMs: number;
}

/**
 * A room's events in, each member served from its own join to its own leave: its `WELCOME`, the log by its cursor, a
 * `PONG` for a `PING`, a `PING` where it is quiet, and at the end of the events what is left of the log, then `BYE`. Who
 * is refused, be it later on, gets its `ERR`. Emits only failures; closes every connection that it served, whatever
 * ended it.
 *
 * Events go to their member by one look-up: a member costs nothing while others talk, but its own catching up. There is
 * one subscription to `grown$`, while there are members.
 *
 * ```text
 * event    joined a--refused b--tokens a--left a
 * to a     WELCOME--------------gAAAA…----(closed)
 * to b     ----------ERR (closed)
 * ```
 */
export const serveMembers =
  ({ grown$, retryMs }: ServeMembersOptions) =>
  (event$: Observable<RoomEvent>): Observable<Failed> =>
    new Observable((subscriber) => {
      const deliveries = new Map<Member, Delivery>();
      let isOver = false;
      let growing = Subscription.EMPTY;

      const deliverer: Deliverer = {
        retryMs,
        over: (member, failed) => {
          deliveries.delete(member);
          if (deliveries.size === 0) growing.unsubscribe();
          if (failed !== undefined) subscriber.next(failed);
          if (isOver && deliveries.size === 0) subscriber.complete();
        },
      };

      /** One subscription for all: as one for each member, every line went through two more objects to each. */
      const follow = (): void => {
        if (!growing.closed || deliveries.size === 0) return;
        growing = grown$.subscribe({
          next: () => {
            for (const delivery of deliveries.values()) delivery.catchUp();
          },
          error: (error: unknown) => {
            for (const delivery of deliveries.values()) delivery.failed(error);
          },
          complete: () => {
            for (const delivery of deliveries.values()) delivery.fill();
          },
        });
        subscriber.add(growing);
      };

      const refuse = (member: Member, code: string, text: string): void => {
        const line = controlLine({ type: 'err', code, text });
        const delivery = deliveries.get(member);
        if (delivery !== undefined) {
          if (delivery.tell(line)) delivery.stop();
          return;
        }
        try {
          member.connection.write(encodeLine(line));
        } catch (error) {
          subscriber.next({ type: 'failed', member, reason: String(error) });
        }
        member.connection.close();
      };

      const serve = (event: RoomEvent): void => {
        switch (event.type) {
          case 'joined': {
            const delivery = new Delivery(event, deliverer);
            deliveries.set(event.member, delivery);
            delivery.begin(event.welcome);
            follow();
            return;
          }
          case 'pinged':
            deliveries.get(event.member)?.beat('pong');
            return;
          case 'quiet':
            deliveries.get(event.member)?.beat('ping');
            return;
          case 'refused':
            refuse(event.member, event.code, event.text);
            return;
          case 'left':
            if (event.fault === undefined) deliveries.get(event.member)?.stop();
            else refuse(event.member, event.fault.code, event.fault.message);
            return;
          default:
        }
      };

      subscriber.add(() => {
        for (const delivery of deliveries.values()) delivery.stop();
      });
      subscriber.add(
        event$.subscribe({
          next: serve,
          error: (error: unknown) => {
            subscriber.error(error);
          },
          complete: () => {
            isOver = true;
            if (deliveries.size === 0) subscriber.complete();
            for (const delivery of deliveries.values()) delivery.dismiss();
          },
        }),
      );
    });
