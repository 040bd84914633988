// Looks into JSON text that is known to be valid: what `event_json_source` and `config_text` return. Text that is not ends a walk
// early or is cut; nothing outside of it is read.
#pragma once
#include "hookyard.h"

// A walk over the members of an object or the items of an array.
typedef struct { text_t rest; } json_walk_t;

static inline json_walk_t json_walk(text_t text) { return (json_walk_t){text}; }

// The next member: its name, unescaped, and its value's source. False at the end, and where the text is no object.
bool json_next_member(json_walk_t *walk, text_t *name, text_t *value);

// The next item's source. False at the end, and where the text is no array.
bool json_next_item(json_walk_t *walk, text_t *value);

// What a string's source stands for. False where the text is no string. Half of a surrogate pair becomes U+FFFD.
bool json_unescaped(text_t source, text_t *text);

// Adds a segment to a pointer: `/` and the name, escaped.
text_t json_pointer(text_t pointer, text_t name);
