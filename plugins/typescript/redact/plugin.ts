// Removes or masks what should not leave: the nodes at the configured JSON pointers, and nothing else.
//
// When in doubt it fails rather than letting data through: an option it does not know, a pointer that is none, or a body
// it cannot look into makes a dead letter, which an operator can replay once the configuration is right.

import * as config from 'hookyard:plugin/config@0.1.0';
import type { Event } from 'hookyard:plugin/events@0.1.0';
import type { Handler } from 'hookyard:plugin/handler@0.1.0';
import { jsonRemove, jsonSet } from 'hookyard:plugin/output@0.1.0';
import { options, permanent } from './options';

export const handler: Handler = {
  process(event) {
    const { remove, mask, replacement, forwardInvalid } = options(config.text());
    if (event.jsonKind('') === 'invalid') {
      if (forwardInvalid || event.bodyLength() === 0) return { tag: 'forward' };
      const forward = '`on_invalid = "forward"` lets it pass as it is';
      throw permanent(`the body is not JSON, so nothing can be redacted in it; ${forward}`);
    }
    const removing = remove.map((pointer) => new Rule(segments(pointer), jsonRemove));
    const masking = mask.map((pointer) => new Rule(segments(pointer), (place) => jsonSet(place, replacement)));
    redact(event, '', [...removing, ...masking]);
    return { tag: 'forward' };
  },
};

/** What happens to the nodes that a pointer means. */
class Rule {
  constructor(
    /** What is left of the pointer from the node on that is looked at. */
    readonly path: string[],
    readonly edit: (place: string) => void,
  ) {}

  /** The rule for the node of this name below, if it means that one. */
  below(name: string): Rule[] {
    const [first, ...rest] = this.path;
    return first === name || first === '*' ? [new Rule(rest, this.edit)] : [];
  }
}

/** Applies what the rules say of a node and of what lies below it. */
function redact(event: Event, place: string, rules: Rule[]): void {
  const due = rules.find(({ path }) => path.length === 0);
  if (due) {
    // Of a key that an object repeats only the last value is seen, but removing takes them all. So what seems not to be
    // there is removed, which does nothing where it is really not.
    (event.jsonKind(place) === 'absent' ? jsonRemove : due.edit)(place);
    return;
  }
  const names = new Set(rules.flatMap(({ path: [name = ''] }) => (name === '*' ? children(event, place) : name)));
  // From the back to the front: a removed array element then moves none that is still to come.
  for (const name of [...names].sort((left, right) => index(right) - index(left))) {
    redact(event, `${place}/${name}`, rules.flatMap((rule) => rule.below(name)));
  }
}

/** The names of everything directly below a node, as segments of a pointer. */
function children(event: Event, place: string): string[] {
  switch (event.jsonKind(place)) {
    case 'array':
      return Array.from({ length: event.jsonLength(place) ?? 0 }, (_, at) => String(at));
    case 'object':
      return Object.keys(JSON.parse(event.jsonSource(place) ?? '{}')).map(segment);
    default:
      return [];
  }
}

function segments(pointer: string): string[] {
  return pointer.split('/').slice(1);
}

function segment(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** An index of an array as a number. What is none comes before them. */
function index(name: string): number {
  return /^\d+$/.test(name) ? Number(name) : -1;
}
