// Does what its configuration tells it to, so that the host's side of the contract can be tested from JavaScript. Not for use.

import * as config from 'hookyard:plugin/config@0.1.0';
import * as http from 'hookyard:plugin/http@0.1.0';
import * as kv from 'hookyard:plugin/kv@0.1.0';
import * as logging from 'hookyard:plugin/logging@0.1.0';
import * as metrics from 'hookyard:plugin/metrics@0.1.0';
import * as output from 'hookyard:plugin/output@0.1.0';
import * as secrets from 'hookyard:plugin/secrets@0.1.0';

/** How many calls this instance has been given. */
let calls = 0;

/** @type {import('hookyard:plugin/handler@0.1.0').Handler} */
export const handler = {
  process(event) {
    const script = event.header('x-do');
    if (script == null) return { tag: 'forward' };
    calls += 1;
    let report = '';
    for (let n = 0; ; n += 1) {
      const step = new Step(`/${script}/${n}`, event);
      const op = config.get(`${step.place}/op`);
      if (op == null) return { tag: 'forward' };
      if (op in verdicts) return verdicts[op](step.text('value', report));
      if (op === 'report') output.setBody(new TextEncoder().encode(report));
      else if (!(op in ops)) throw { tag: 'permanent', val: `unknown op: ${op}` };
      report += `${op === 'report' ? 'ok' : step.run(ops[op])}\n`;
    }
  },
};

const verdicts = {
  forward: () => ({ tag: 'forward' }),
  discard: (val) => ({ tag: 'discard', val }),
  retryable(val) {
    throw { tag: 'retryable', val };
  },
  permanent(val) {
    throw { tag: 'permanent', val };
  },
  trap() {
    throw new Error('told to');
  },
  loop() {
    for (;;);
  },
  allocate() {
    for (const kept = []; ; ) {
      const piece = new Uint8Array(1 << 20);
      for (let at = 0; at < piece.length; at += 4096) piece[at] = 1;
      kept.push(piece);
    }
  },
};

/** What each op calls, and how its result is written. */
const ops = {
  calls: [() => calls, String],

  id: [({ event }) => event.id(), String],
  source: [({ event }) => event.source(), String],
  kind: [({ event }) => event.kind(), String],
  'received-at': [({ event }) => event.receivedAt(), String],
  method: [({ event }) => event.method(), String],
  path: [({ event }) => event.path(), String],
  query: [({ event }) => event.query(), String],
  header: [(step) => step.event.header(step.text('name')), optional(String)],
  headers: [({ event }) => event.headers(), headers],
  attribute: [(step) => step.event.attribute(step.text('name')), optional(String)],
  'body-length': [({ event }) => event.bodyLength(), String],
  body: [({ event }) => event.body(), hex],
  'body-range': [(step) => step.event.bodyRange(step.number('offset'), step.number('length')), hex],
  'json-kind': [(step) => step.event.jsonKind(step.text('pointer')), String],
  'json-string': [(step) => step.event.jsonString(step.text('pointer')), optional(String)],
  'json-integer': [(step) => step.event.jsonInteger(step.text('pointer')), optional(String)],
  'json-number': [(step) => step.event.jsonNumber(step.text('pointer')), optional(bits)],
  'json-boolean': [(step) => step.event.jsonBoolean(step.text('pointer')), optional(String)],
  'json-length': [(step) => step.event.jsonLength(step.text('pointer')), optional(String)],
  'json-source': [(step) => step.event.jsonSource(step.text('pointer')), optional(String)],

  'set-header': [(step) => output.setHeader(step.text('name'), step.text('value')), ok],
  'remove-header': [(step) => output.removeHeader(step.text('name')), ok],
  'set-body': [(step) => output.setBody(step.bytes()), ok],
  'json-set': [(step) => output.jsonSet(step.text('pointer'), step.text('value')), ok],
  'json-remove': [(step) => output.jsonRemove(step.text('pointer')), ok],
  'set-attribute': [(step) => output.setAttribute(step.text('name'), step.text('value')), ok],
  'send-to': [(step) => output.sendTo(step.names()), ok],
  'not-before': [(step) => output.notBefore(step.number('seconds')), ok],
  emit: [
    (step) => output.emit({ destinations: step.names(), headers: step.headers(), body: step.bytes() }),
    ok,
  ],
  reply: [
    (step) => output.reply({ status: step.number('status'), headers: step.headers(), body: step.bytes() }),
    ok,
  ],

  log: [(step) => logging.log(step.text('level'), step.text('value')), ok],
  'config-get': [(step) => config.get(step.text('pointer')), optional(String)],
  'config-text': [() => config.text(), String],
  secret: [(step) => secrets.get(step.text('name')), optional(hex)],

  'kv-get': [(step) => kv.get(step.text('key')), optional(hex)],
  'kv-set': [(step) => kv.set(step.text('key'), step.bytes(), step.number('ttl')), ok],
  'kv-remove': [(step) => kv.remove(step.text('key')), ok],
  'kv-increment': [
    (step) => kv.increment(step.text('key'), integer(step.text('delta', '0')), step.number('ttl')),
    String,
  ],
  'kv-compare-and-set': [
    (step) => {
      const expected = step.argument('expected');
      const bytes = expected == null ? undefined : new TextEncoder().encode(expected);
      return kv.compareAndSet(step.text('key'), bytes, step.bytes(), step.number('ttl'));
    },
    String,
  ],

  count: [(step) => metrics.count(step.text('name'), step.number('delta')), ok],
  observe: [(step) => metrics.observe(step.text('name'), step.double()), ok],

  send: [
    (step) =>
      http.send({
        method: step.text('method'),
        url: step.text('url'),
        headers: step.headers(),
        body: step.bytes(),
        timeoutMs: step.number('timeout'),
      }),
    (response) => `${response.status}|${headers(response.headers)}|${hex(response.body)}`,
  ],
};

/** One order of a script. */
class Step {
  constructor(place, event) {
    this.place = place;
    this.event = event;
  }

  /** Calls as often as asked for, and writes down the last result. */
  run([call, write]) {
    let result = '';
    for (let times = this.number('times', 1); times > 0; times -= 1) {
      try {
        result = write(call(this));
      } catch (error) {
        const { payload } = error;
        if (payload === undefined) throw error;
        result = 'val' in payload ? `error ${payload.tag} ${payload.val}` : `error ${payload.tag}`;
      }
    }
    return result;
  }

  argument(name) {
    const value = config.get(`${this.place}/${name}`);
    return name === 'value' ? value?.repeat(this.number('repeat', 1)) : value;
  }

  text(name, otherwise = '') {
    return this.argument(name) ?? otherwise;
  }

  number(name, otherwise = 0) {
    return Number(this.argument(name) ?? otherwise);
  }

  double() {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${this.text('bits', '0')}`));
    return view.getFloat64(0);
  }

  bytes() {
    const value = this.argument('value');
    return value == null ? this.event.body() : new TextEncoder().encode(value);
  }

  names() {
    return this.list((n) => this.argument(`to/${n}`));
  }

  headers() {
    return this.list((n) => {
      const name = this.argument(`headers/${n}/name`);
      return name == null ? undefined : { name, value: this.text(`headers/${n}/value`) };
    });
  }

  list(item) {
    const items = [];
    for (;;) {
      const next = item(items.length);
      if (next == null) return items;
      items.push(next);
    }
  }
}

/** What the engine takes for 64 bits: QuickJS a number, StarlingMonkey a BigInt. */
function integer(text) {
  return globalThis.Intl === undefined ? Number(text) : BigInt(text);
}

function ok() {
  return 'ok';
}

function optional(write) {
  return (value) => (value == null ? 'none' : `some ${write(value)}`);
}

function headers(list) {
  return list.map(({ name, value }) => `${name}=${value};`).join('');
}

function bits(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function hex(bytes) {
  return bytes.toHex();
}
