// Configured pointers, made concrete for one event.
#pragma once
#include "sdk/hookyard.h"

// What happens to a node. Where both are asked for, the first one counts.
typedef enum { REMOVE, MASK } edit_t;

typedef struct { text_t pointer; edit_t edit; } target_t;

// Begins as {0}.
typedef struct { target_t *ptr; size_t len, room; } targets_t;

// Adds every node that a pointer may mean; a segment that is * means every element or member there is. `place` is a node's own
// pointer, in which a * is a member's name: only `rest` is still to be expanded.
void targets_add(targets_t *targets, event_t event, text_t place, text_t rest, edit_t edit);

// Into document order, so that a node comes before what lies below it, and /10 after /9.
void targets_sort(targets_t *targets);

// Leaves, of sorted targets, those that lie below no other.
void targets_drop_inner(targets_t *targets);
