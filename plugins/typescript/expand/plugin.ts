// Sends the items of a list one by one, each with what another service knows about it.
//
// What that service answered is kept for a while, so that a hundred orders of one product ask once.

import * as config from 'hookyard:plugin/config@0.1.0';
import type { Event } from 'hookyard:plugin/events@0.1.0';
import type { Handler } from 'hookyard:plugin/handler@0.1.0';
import { type HttpError, send } from 'hookyard:plugin/http@0.1.0';
import * as kv from 'hookyard:plugin/kv@0.1.0';
import { emit } from 'hookyard:plugin/output@0.1.0';
import type { Failure, Response } from 'hookyard:plugin/types@0.1.0';

export const handler: Handler = {
  process(event) {
    const items = option('items');
    if (event.jsonKind(items) !== 'array') throw permanent(`the body has no list at "${items}"`);
    const length = event.jsonLength(items) ?? 0;
    if (length === 0) return { tag: 'discard', val: 'nothing to expand' };
    for (let n = 0; n < length; n += 1) {
      const place = `${items}/${n}`;
      const found = find(key(event, place + option('key')));
      const body = `{"item":${event.jsonSource(place)},"found":${found}}`;
      emit({
        destinations: [],
        headers: [{ name: 'content-type', value: 'application/json' }],
        body: new TextEncoder().encode(body),
      });
    }
    return { tag: 'forward' };
  },
};

/** By what an item is looked up: a string as it is, a number as it is written. */
function key(event: Event, pointer: string): string {
  const number = event.jsonKind(pointer) === 'number' ? event.jsonSource(pointer) : undefined;
  const key = event.jsonString(pointer) ?? number;
  if (key == null) throw permanent(`the body has no string or number at "${pointer}"`);
  return key;
}

/** What is known about a key, as JSON text: from the store, else from the service. */
function find(key: string): string {
  const kept = forgiving(() => kv.get(key));
  if (kept) return new TextDecoder().decode(kept);
  const found = ask(option('url').replace('{}', () => encodeURIComponent(key)));
  forgiving(() => kv.set(key, new TextEncoder().encode(found), Number(config.get('/ttl') ?? 300)));
  return found;
}

function ask(url: string): string {
  const { status, body } = get(url);
  if (status === 200) return new TextDecoder().decode(body);
  if (status === 404) return 'null';
  throw retryable(`${url} answered ${status}`);
}

function get(url: string): Response {
  try {
    return send({ method: 'GET', url, headers: [], body: new Uint8Array(), timeoutMs: 0 });
  } catch (error) {
    const { payload } = error as ComponentError<HttpError>;
    // What the operator has not allowed will not be allowed in a minute.
    if (payload.tag === 'denied') throw permanent(payload.val);
    throw retryable('val' in payload ? payload.val : payload.tag);
  }
}

/** The store is there to save requests: the plugin works without it. */
function forgiving<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    console.warn('the store:', (error as ComponentError<kv.KvError>).payload);
  }
}

function option(name: string): string {
  const value = config.get(`/${name}`);
  if (value == null) throw permanent(`config: \`${name}\` is missing`);
  return value;
}

function permanent(val: string): Failure {
  return { tag: 'permanent', val };
}

function retryable(val: string): Failure {
  return { tag: 'retryable', val };
}
