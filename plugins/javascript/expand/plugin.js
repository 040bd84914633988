// Sends the items of a list one by one, each with what another service knows about it.
//
// What that service answered is kept for a while, so that a hundred orders of one product ask once.

import * as config from 'hookyard:plugin/config@0.1.0';
import { send } from 'hookyard:plugin/http@0.1.0';
import * as kv from 'hookyard:plugin/kv@0.1.0';
import { emit } from 'hookyard:plugin/output@0.1.0';

/** @type {import('hookyard:plugin/handler@0.1.0').Handler} */
export const handler = {
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
function key(event, pointer) {
  switch (event.jsonKind(pointer)) {
    case 'string':
      return event.jsonString(pointer);
    case 'number':
      return event.jsonSource(pointer);
    default:
      throw permanent(`the body has no string or number at "${pointer}"`);
  }
}

/** What is known about a key, as JSON text: from the store, else from the service. */
function find(key) {
  const kept = forgiving(() => kv.get(key));
  if (kept) return new TextDecoder().decode(kept);
  const found = ask(option('url').replace('{}', () => encodeURIComponent(key)));
  forgiving(() => kv.set(key, new TextEncoder().encode(found), Number(config.get('/ttl') ?? 300)));
  return found;
}

function ask(url) {
  const { status, body } = answer({ method: 'GET', url, headers: [], body: new Uint8Array(), timeoutMs: 0 });
  if (status === 200) return new TextDecoder().decode(body);
  if (status === 404) return 'null';
  throw retryable(`${url} answered ${status}`);
}

function answer(request) {
  try {
    return send(request);
  } catch (error) {
    const { tag, val = tag } = error.payload;
    // What the operator has not allowed will not be allowed in a minute.
    throw tag === 'denied' ? permanent(val) : retryable(val);
  }
}

/** The store is there to save requests: the plugin works without it. */
function forgiving(call) {
  try {
    return call();
  } catch (error) {
    console.warn('the store:', error.payload);
  }
}

function option(name) {
  const value = config.get(`/${name}`);
  if (value == null) throw permanent(`config: \`${name}\` is missing`);
  return value;
}

/** @returns {import('hookyard:plugin/types@0.1.0').Failure} */
function permanent(val) {
  return { tag: 'permanent', val };
}

/** @returns {import('hookyard:plugin/types@0.1.0').Failure} */
function retryable(val) {
  return { tag: 'retryable', val };
}
