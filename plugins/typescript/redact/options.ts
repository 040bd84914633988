// The plugin's table in the configuration.

import type { Failure } from 'hookyard:plugin/types@0.1.0';

/** What the operator asked for. */
export interface Options {
  /** Pointers to nodes that disappear. */
  remove: string[];
  /** Pointers to nodes whose value is replaced. */
  mask: string[];
  /** What stands in for a masked value, as JSON text. */
  replacement: string;
  /** Whether a body that is not JSON passes as it is. */
  forwardInvalid: boolean;
}

/** Reads the table's JSON text. An unknown option is an error: `removed` for `remove` must not leak anything. */
export function options(text: string): Options {
  const { remove, mask, replacement = '***', on_invalid = 'fail', ...rest }: Record<string, unknown> = JSON.parse(text);
  for (const name of Object.keys(rest)) {
    throw permanent(`config: \`${name}\` is not an option; the options are remove, mask, replacement, on_invalid`);
  }
  if (on_invalid !== 'fail' && on_invalid !== 'forward') {
    throw permanent('config: `on_invalid` must be "fail" or "forward"');
  }
  return {
    remove: pointers('remove', remove),
    mask: pointers('mask', mask),
    replacement: JSON.stringify(replacement),
    forwardInvalid: on_invalid === 'forward',
  };
}

function pointers(option: string, list: unknown = []): string[] {
  if (!Array.isArray(list)) throw permanent(`config: \`${option}\` must be a list of JSON pointers`);
  return list.map((pointer: unknown) => {
    if (typeof pointer === 'string' && pointer.startsWith('/')) return pointer;
    const found = JSON.stringify(pointer);
    throw permanent(`config: \`${option}\` has ${found}, which is not a JSON pointer such as "/user/email"`);
  });
}

export function permanent(val: string): Failure {
  return { tag: 'permanent', val };
}
