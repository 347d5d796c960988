import { Observable } from 'rxjs';

const NAME = 'rxchat';
const VERSION = 1;

/** The object stores: keys of this browser, states by group, and which tab writes each state. */
export interface Stores {
  readonly keys: IDBObjectStore;
  readonly states: IDBObjectStore;
  readonly writers: IDBObjectStore;
}

const STORES = ['keys', 'states', 'writers'] as const;

export interface Database {
  /**
   * Runs a transaction, emits the value that `body` passes to `resolve`, and completes.
   *
   * It does so once the transaction is complete and the disk has it, and errors if nothing was written. Unsubscribing
   * does not abort a transaction.
   */
  readonly transact: <T>(body: (stores: Stores, resolve: (value: T) => void) => void) => Observable<T>;
}

/**
 * Opens the database of this origin, or creates it. Emits once, and closes it when it is unsubscribed.
 *
 * Errors if the browser stores nothing.
 */
export const openDatabase = (): Observable<Database> =>
  new Observable((subscriber) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = () => {
      for (const name of STORES) request.result.createObjectStore(name);
    };
    request.onerror = () => {
      subscriber.error(request.error);
    };
    request.onsuccess = () => {
      const { result } = request;
      subscriber.add(() => {
        result.close();
      });
      // A newer page in another tab cannot open the database until this one is closed.
      result.onversionchange = () => {
        result.close();
      };
      subscriber.next({ transact: createTransact(result) });
    };
  });

const createTransact =
  (database: IDBDatabase): Database['transact'] =>
  <T>(body: (stores: Stores, resolve: (value: T) => void) => void) =>
    new Observable<T>((subscriber) => {
      // By default Chromium completes a transaction before the disk has it.
      const transaction = database.transaction(STORES, 'readwrite', { durability: 'strict' });
      const values: T[] = [];
      transaction.oncomplete = () => {
        for (const value of values) subscriber.next(value);
        subscriber.complete();
      };
      transaction.onabort = () => {
        subscriber.error(transaction.error);
      };
      const [keys, states, writers] = [
        transaction.objectStore('keys'),
        transaction.objectStore('states'),
        transaction.objectStore('writers'),
      ];
      body({ keys, states, writers }, (value) => values.push(value));
    });

/** Calls a function with the result of a request. An exception in it aborts the transaction. */
export const onResult = <T>(request: IDBRequest<T>, next: (result: T) => void): void => {
  request.onsuccess = () => {
    next(request.result);
  };
};
