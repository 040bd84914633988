// `node --test sdk/javascript`: what stands in for globals on QuickJS does as the globals of Node.js do.

import assert from 'node:assert/strict';
import { test } from 'node:test';

// Node.js has none of its own before version 25.
Uint8Array.prototype.toHex ??= function () {
  return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString('hex');
};
const ours = await import('./quickjs.js');

test('texts are encoded as everywhere', () => {
  for (const text of ['', 'a', 'é\0\ufeff', '👩‍🚀 שלום', '\ud800', 'a\udfffb', undefined, 17]) {
    assert.deepEqual(new ours.TextEncoder().encode(text), new TextEncoder().encode(text));
  }
});

test('bytes are decoded as everywhere, whatever they are', () => {
  const check = (bytes, options) => {
    const decode = (engine) => {
      try {
        return new engine.TextDecoder('utf-8', options).decode(bytes);
      } catch (error) {
        return error.constructor.name;
      }
    };
    assert.equal(decode(ours), decode(globalThis), `${Buffer.from(bytes).toString('hex')} ${JSON.stringify(options)}`);
  };
  let seed = 20261121;
  const random = (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  // Octets at which the rules change, so that most sequences are almost well-formed.
  const telling = [0, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0];
  telling.push(0xf1, 0xf3, 0xf4, 0xf5, 0xff, 0xbb, 0x41);
  for (let round = 0; round < 100_000; round += 1) {
    const bytes = Uint8Array.from({ length: random(8) }, () => telling[random(telling.length)]);
    check(bytes, { fatal: round % 2 === 0, ignoreBOM: round % 3 === 0 });
  }
  check(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41), {});
  check(new TextEncoder().encode('é').buffer, {});
  assert.equal(new ours.TextDecoder().decode(), '');
  assert.throws(() => new ours.TextDecoder('latin1'), RangeError);
});
