// Globals that every JavaScript plugin has, whichever engine it is built for.

declare class TextEncoder {
  readonly encoding: string;
  /** To UTF-8. A lone surrogate becomes U+FFFD. */
  encode(text?: string): Uint8Array;
}

declare class TextDecoder {
  /** QuickJS knows `'utf-8'` only. */
  constructor(encoding?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: ArrayBufferView | ArrayBuffer): string;
}

/** What it says goes to Hookyard's log, with the plugin's and the event's names. */
declare const console: {
  debug(...values: unknown[]): void;
  log(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
};
