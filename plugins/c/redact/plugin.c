// Removes or masks what should not leave: the nodes at the configured JSON pointers, and nothing else.
//
// When in doubt it fails rather than letting data through: an option it does not know, a pointer that is none, or a body it
// cannot look into makes a dead letter, which an operator can replay once the configuration is right.

#include "sdk/json.h"
#include "sdk/processor.h"
#include "targets.h"

// The plugin's table in the configuration; the lists are JSON text.
typedef struct {
  text_t remove, mask, replacement;
  bool forward_invalid;
} options_t;

static bool is_list_of_pointers(text_t value) {
  if (value.len == 0 || *value.ptr != '[') return false;
  text_t item, pointer;
  for (json_walk_t walk = json_walk(value); json_next_item(&walk, &item);)
    if (!json_unescaped(item, &pointer) || pointer.len == 0 || *pointer.ptr != '/') return false;
  return true;
}

// Returns what is wrong, or nothing. An unknown option is an error: `removed` for `remove` must not leak anything.
static text_t parse(text_t config, options_t *options) {
  *options = (options_t){.remove = TEXT("[]"), .mask = TEXT("[]"), .replacement = TEXT("\"***\"")};
  text_t name, value;
  for (json_walk_t walk = json_walk(config); json_next_member(&walk, &name, &value);) {
    bool remove = text_equal(name, TEXT("remove"));
    if (remove || text_equal(name, TEXT("mask"))) {
      if (!is_list_of_pointers(value))
        return JOIN(TEXT("config: `"), name, TEXT("` must be a list of JSON pointers such as \"/user/email\""));
      *(remove ? &options->remove : &options->mask) = value;
    } else if (text_equal(name, TEXT("replacement"))) {
      options->replacement = value;
    } else if (text_equal(name, TEXT("on_invalid"))) {
      options->forward_invalid = text_equal(value, TEXT("\"forward\""));
      if (!options->forward_invalid && !text_equal(value, TEXT("\"fail\"")))
        return TEXT("config: `on_invalid` must be \"fail\" or \"forward\"");
    } else {
      return JOIN(TEXT("config: `"), name,
                  TEXT("` is not an option; the options are remove, mask, replacement, on_invalid"));
    }
  }
  return (text_t){0};
}

static void add(targets_t *targets, event_t event, text_t pointers, edit_t edit) {
  text_t item, pointer;
  for (json_walk_t walk = json_walk(pointers); json_next_item(&walk, &item);)
    if (json_unescaped(item, &pointer)) targets_add(targets, event, TEXT(""), pointer, edit);
}

static verdict_t process(event_t event) {
  options_t options;
  text_t problem = parse(config_text(), &options);
  if (problem.len > 0) return fail(permanent(problem));
  if (event_json_kind(event, TEXT("")) == JSON_INVALID) {
    if (options.forward_invalid || event_body_length(event) == 0) return forward();
    return fail(permanent(TEXT("the body is not JSON, so nothing can be redacted in it; "
                               "`on_invalid = \"forward\"` lets it pass as it is")));
  }
  targets_t targets = {0};
  add(&targets, event, options.remove, REMOVE);
  add(&targets, event, options.mask, MASK);
  targets_sort(&targets);
  targets_drop_inner(&targets);
  // From the back to the front: a removed array element then moves none that is still to come.
  for (size_t at = targets.len; at-- > 0;) {
    target_t target = targets.ptr[at];
    if (target.edit == REMOVE) json_remove(target.pointer);
    else json_set(target.pointer, options.replacement);
  }
  return forward();
}
