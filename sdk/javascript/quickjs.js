// Globals that QuickJS lacks and other engines have. Put before a plugin when it is built for QuickJS, where they are used.

/** To UTF-8. A lone surrogate becomes U+FFFD. */
export class TextEncoder {
  get encoding() {
    return 'utf-8';
  }

  encode(text = '') {
    const octets = unescape(encodeURIComponent(String(text).toWellFormed()));
    return Uint8Array.from(octets, (octet) => octet.charCodeAt(0));
  }
}

/** From UTF-8, and from nothing else. */
export class TextDecoder {
  constructor(encoding = 'utf-8', { fatal = false, ignoreBOM = false } = {}) {
    if (!/^\s*(unicode-1-1-)?utf-?8\s*$/i.test(encoding)) {
      throw new RangeError(`${encoding}: on QuickJS, TextDecoder knows UTF-8 only`);
    }
    Object.assign(this, { encoding: 'utf-8', fatal, ignoreBOM });
  }

  decode(bytes = new Uint8Array()) {
    const view = ArrayBuffer.isView(bytes)
      ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : new Uint8Array(bytes);
    const text = this.#text(view.toHex().replace(/../g, '%$&'));
    return this.ignoreBOM || !text.startsWith('\ufeff') ? text : text.slice(1);
  }

  #text(octets) {
    try {
      return decodeURIComponent(octets);
    } catch {
      if (this.fatal) throw new TypeError('the bytes are not UTF-8');
      return octets.replace(SEQUENCE, (sequence, illFormed) => (illFormed ? '\ufffd' : decodeURIComponent(sequence)));
    }
  }
}

/** One well-formed sequence; or, as the group, the longest beginning of one, or an octet that cannot begin any. */
const SEQUENCE = new RegExp(
  [
    '(?:%[0-7].)+',
    '%(?:c[2-9a-f]|d.)%[89ab].',
    '%e0%[ab].%[89ab].',
    '%(?:e[1-9abcef])(?:%[89ab].){2}',
    '%ed%[89].%[89ab].',
    '%f0%[9ab].(?:%[89ab].){2}',
    '%f[123](?:%[89ab].){3}',
    '%f4%8.(?:%[89ab].){2}',
    '(%e0%[ab].|%e[1-9abcef]%[89ab].|%ed%[89].|%f0%[9ab].(?:%[89ab].)?|%f[123](?:%[89ab].){1,2}|%f4%8.(?:%[89ab].)?|%..)',
  ].join('|'),
  'g',
);
