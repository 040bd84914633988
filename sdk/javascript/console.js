// `console` for a plugin: what it says goes to Hookyard's log. Put before a plugin when it is built, where it is used.

import { log } from 'hookyard:plugin/logging@0.1.0';

export const console = {
  debug: (...values) => log('debug', line(values)),
  log: (...values) => log('info', line(values)),
  info: (...values) => log('info', line(values)),
  warn: (...values) => log('warn', line(values)),
  error: (...values) => log('error', line(values)),
};

function line(values) {
  return values.map(shown).join(' ');
}

function shown(value) {
  if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
  if (typeof value !== 'object') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A value that contains itself, or a BigInt.
    return String(value);
  }
}
