// Does what its configuration tells it to, so that the host's side of the contract can be tested from TypeScript. Not for use.

import * as config from 'hookyard:plugin/config@0.1.0';
import type { Event } from 'hookyard:plugin/events@0.1.0';
import type { Handler, Verdict } from 'hookyard:plugin/handler@0.1.0';
import * as http from 'hookyard:plugin/http@0.1.0';
import * as kv from 'hookyard:plugin/kv@0.1.0';
import * as logging from 'hookyard:plugin/logging@0.1.0';
import * as metrics from 'hookyard:plugin/metrics@0.1.0';
import * as output from 'hookyard:plugin/output@0.1.0';
import * as secrets from 'hookyard:plugin/secrets@0.1.0';
import type { Failure, Header } from 'hookyard:plugin/types@0.1.0';

declare global {
  // Newer than what TypeScript knows of the language.
  interface Uint8Array {
    toHex(): string;
  }
}

/** How many calls this instance has been given. */
let calls = 0;

export const handler: Handler = {
  process(event) {
    const script = event.header('x-do');
    if (script == null) return { tag: 'forward' };
    calls += 1;
    let report = '';
    for (let n = 0; ; n += 1) {
      const step = new Step(`/${script}/${n}`, event);
      const op = config.get(`${step.place}/op`);
      if (op == null) return { tag: 'forward' };
      if (op === 'report') output.setBody(new TextEncoder().encode(report));
      const verdict = verdicts.get(op);
      if (verdict) return verdict(step.text('value', report));
      report += `${op === 'report' ? 'ok' : step.run(op)}\n`;
    }
  },
};

const verdicts = new Map<string, (value: string) => Verdict>([
  ['forward', () => ({ tag: 'forward' })],
  ['discard', (val) => ({ tag: 'discard', val })],
  ['retryable', (val) => fail({ tag: 'retryable', val })],
  ['permanent', (val) => fail({ tag: 'permanent', val })],
  ['trap', trap],
  ['loop', loop],
  ['allocate', allocate],
]);

function fail(failure: Failure): never {
  throw failure;
}

function trap(): never {
  throw new Error('told to');
}

function loop(): never {
  for (;;);
}

function allocate(): never {
  for (const kept: Uint8Array[] = []; ; ) {
    const piece = new Uint8Array(1 << 20);
    for (let at = 0; at < piece.length; at += 4096) piece[at] = 1;
    kept.push(piece);
  }
}

/** One order of a script. */
class Step {
  constructor(
    readonly place: string,
    readonly event: Event,
  ) {}

  /** Calls as often as asked for, and writes down the last result. */
  run(op: string): string {
    let result = '';
    for (let times = this.number('times', 1); times > 0; times -= 1) {
      try {
        result = call(op, this);
      } catch (error) {
        const { payload } = error as Partial<ComponentError<kv.KvError | http.HttpError>>;
        if (payload === undefined) throw error;
        result = 'val' in payload ? `error ${payload.tag} ${payload.val}` : `error ${payload.tag}`;
      }
    }
    return result;
  }

  argument(name: string): string | null | undefined {
    const value = config.get(`${this.place}/${name}`);
    return name === 'value' ? value?.repeat(this.number('repeat', 1)) : value;
  }

  text(name: string, otherwise = ''): string {
    return this.argument(name) ?? otherwise;
  }

  number(name: string, otherwise = 0): number {
    return Number(this.argument(name) ?? otherwise);
  }

  double(): number {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt(`0x${this.text('bits', '0')}`));
    return view.getFloat64(0);
  }

  bytes(): Uint8Array {
    const value = this.argument('value');
    return value == null ? this.event.body() : new TextEncoder().encode(value);
  }

  names(): string[] {
    return this.list((n) => this.argument(`to/${n}`));
  }

  headers(): Header[] {
    return this.list((n) => {
      const name = this.argument(`headers/${n}/name`);
      return name == null ? undefined : { name, value: this.text(`headers/${n}/value`) };
    });
  }

  private list<T>(item: (n: number) => T | null | undefined): T[] {
    const items: T[] = [];
    for (let next = item(0); next != null; next = item(items.length)) items.push(next);
    return items;
  }
}

/** What an op calls, with the result as text. */
function call(op: string, step: Step): string {
  const { event } = step;
  switch (op) {
    case 'calls':
      return String(calls);

    case 'id':
      return event.id();
    case 'source':
      return event.source();
    case 'kind':
      return event.kind();
    case 'received-at':
      return String(event.receivedAt());
    case 'method':
      return event.method();
    case 'path':
      return event.path();
    case 'query':
      return event.query();
    case 'header':
      return optional(event.header(step.text('name')));
    case 'headers':
      return headers(event.headers());
    case 'attribute':
      return optional(event.attribute(step.text('name')));
    case 'body-length':
      return String(event.bodyLength());
    case 'body':
      return hex(event.body());
    case 'body-range':
      return hex(event.bodyRange(step.number('offset'), step.number('length')));
    case 'json-kind':
      return event.jsonKind(step.text('pointer'));
    case 'json-string':
      return optional(event.jsonString(step.text('pointer')));
    case 'json-integer':
      return optional(event.jsonInteger(step.text('pointer')));
    case 'json-number':
      return optional(event.jsonNumber(step.text('pointer')), bits);
    case 'json-boolean':
      return optional(event.jsonBoolean(step.text('pointer')));
    case 'json-length':
      return optional(event.jsonLength(step.text('pointer')));
    case 'json-source':
      return optional(event.jsonSource(step.text('pointer')));

    case 'set-header':
      return ok(output.setHeader(step.text('name'), step.text('value')));
    case 'remove-header':
      return ok(output.removeHeader(step.text('name')));
    case 'set-body':
      return ok(output.setBody(step.bytes()));
    case 'json-set':
      return ok(output.jsonSet(step.text('pointer'), step.text('value')));
    case 'json-remove':
      return ok(output.jsonRemove(step.text('pointer')));
    case 'set-attribute':
      return ok(output.setAttribute(step.text('name'), step.text('value')));
    case 'send-to':
      return ok(output.sendTo(step.names()));
    case 'not-before':
      return ok(output.notBefore(step.number('seconds')));
    case 'emit':
      return ok(output.emit({ destinations: step.names(), headers: step.headers(), body: step.bytes() }));
    case 'reply':
      return ok(output.reply({ status: step.number('status'), headers: step.headers(), body: step.bytes() }));

    case 'log':
      return ok(logging.log(step.text('level') as logging.Level, step.text('value')));
    case 'config-get':
      return optional(config.get(step.text('pointer')));
    case 'config-text':
      return config.text();
    case 'secret':
      return optional(secrets.get(step.text('name')), hex);

    case 'kv-get':
      return optional(kv.get(step.text('key')), hex);
    case 'kv-set':
      return ok(kv.set(step.text('key'), step.bytes(), step.number('ttl')));
    case 'kv-remove':
      return ok(kv.remove(step.text('key')));
    case 'kv-increment':
      return String(kv.increment(step.text('key'), BigInt(step.text('delta', '0')), step.number('ttl')));
    case 'kv-compare-and-set': {
      const text = step.argument('expected');
      const expected = text == null ? undefined : new TextEncoder().encode(text);
      return String(kv.compareAndSet(step.text('key'), expected, step.bytes(), step.number('ttl')));
    }

    case 'count':
      return ok(metrics.count(step.text('name'), step.number('delta')));
    case 'observe':
      return ok(metrics.observe(step.text('name'), step.double()));

    case 'send': {
      const { status, headers: received, body } = http.send({
        method: step.text('method'),
        url: step.text('url'),
        headers: step.headers(),
        body: step.bytes(),
        timeoutMs: step.number('timeout'),
      });
      return `${status}|${headers(received)}|${hex(body)}`;
    }

    default:
      return fail({ tag: 'permanent', val: `unknown op: ${op}` });
  }
}

function ok(_nothing: void): string {
  return 'ok';
}

function optional<T>(value: T | null | undefined, write: (value: T) => string = String): string {
  return value == null ? 'none' : `some ${write(value)}`;
}

function headers(list: Header[]): string {
  return list.map(({ name, value }) => `${name}=${value};`).join('');
}

function bits(number: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
