// Removes or masks what should not leave: the nodes at the configured JSON pointers, and nothing else.
//
// When in doubt it fails rather than letting data through: an option it does not know, a pointer that is none, or a body
// it cannot look into makes a dead letter, which an operator can replay once the configuration is right.

import * as config from 'hookyard:plugin/config@0.1.0';
import { jsonRemove, jsonSet } from 'hookyard:plugin/output@0.1.0';

/** @type {import('hookyard:plugin/handler@0.1.0').Handler} */
export const handler = {
  process(event) {
    const { remove, mask, replacement, on_invalid } = options();
    if (event.jsonKind('') === 'invalid') {
      if (on_invalid === 'forward' || event.bodyLength() === 0) return { tag: 'forward' };
      const forward = '`on_invalid = "forward"` lets it pass as it is';
      throw permanent(`the body is not JSON, so nothing can be redacted in it; ${forward}`);
    }
    const rule = (edit) => (pointer) => ({ edit, path: pointer.split('/').slice(1) });
    redact(event, '', [...remove.map(rule(jsonRemove)), ...mask.map(rule((place) => jsonSet(place, replacement)))]);
    return { tag: 'forward' };
  },
};

/**
 * Applies what the rules say of a node and of what lies below it. `path` is what is left of a rule's pointer from here on.
 *
 * @param {import('hookyard:plugin/events@0.1.0').Event} event
 * @param {string} place
 * @param {{ edit: (place: string) => void, path: string[] }[]} rules
 */
function redact(event, place, rules) {
  const due = rules.find(({ path }) => path.length === 0);
  if (due) {
    // Of a key that an object repeats only the last value is seen, but removing takes them all. So what seems not to be
    // there is removed, which does nothing where it is really not.
    (event.jsonKind(place) === 'absent' ? jsonRemove : due.edit)(place);
    return;
  }
  const names = new Set(rules.flatMap(({ path: [name] }) => (name === '*' ? children(event, place) : [name])));
  // From the back to the front: a removed array element then moves none that is still to come.
  for (const name of [...names].sort((left, right) => index(right) - index(left))) {
    const below = rules.filter(({ path }) => path[0] === name || path[0] === '*');
    redact(event, `${place}/${name}`, below.map(({ edit, path }) => ({ edit, path: path.slice(1) })));
  }
}

/** The names of everything directly below a node, as segments of a pointer. */
function children(event, place) {
  switch (event.jsonKind(place)) {
    case 'array':
      return Array.from({ length: event.jsonLength(place) }, (_, at) => String(at));
    case 'object':
      return Object.keys(JSON.parse(event.jsonSource(place))).map(segment);
    default:
      return [];
  }
}

function segment(name) {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** An index of an array as a number. What is none comes before them. */
function index(name) {
  return /^\d+$/.test(name) ? Number(name) : -1;
}

function options() {
  const { remove = [], mask = [], replacement = '***', on_invalid = 'fail', ...rest } = JSON.parse(config.text());
  for (const name of Object.keys(rest)) {
    throw permanent(`config: \`${name}\` is not an option; the options are remove, mask, replacement, on_invalid`);
  }
  if (on_invalid !== 'fail' && on_invalid !== 'forward') {
    throw permanent('config: `on_invalid` must be "fail" or "forward"');
  }
  pointers('remove', remove);
  pointers('mask', mask);
  return { remove, mask, replacement: JSON.stringify(replacement), on_invalid };
}

function pointers(option, list) {
  if (!Array.isArray(list)) throw permanent(`config: \`${option}\` must be a list of JSON pointers`);
  for (const pointer of list) {
    if (typeof pointer === 'string' && pointer.startsWith('/')) continue;
    const found = JSON.stringify(pointer);
    throw permanent(`config: \`${option}\` has ${found}, which is not a JSON pointer such as "/user/email"`);
  }
}

/** @returns {import('hookyard:plugin/types@0.1.0').Failure} */
function permanent(val) {
  return { tag: 'permanent', val };
}
