// See targets.h.

#include "targets.h"
#include "sdk/json.h"

static void push(targets_t *targets, target_t target) {
  if (targets->len == targets->room) {
    targets->room = targets->room * 2 + 8;
    targets->ptr = realloc(targets->ptr, targets->room * sizeof *targets->ptr);
  }
  targets->ptr[targets->len++] = target;
}

void targets_add(targets_t *targets, event_t event, text_t place, text_t rest, edit_t edit) {
  size_t star = 0;
  for (; star + 1 < rest.len; star++) {
    bool ends = star + 2 == rest.len || rest.ptr[star + 2] == '/';
    if (rest.ptr[star] == '/' && rest.ptr[star + 1] == '*' && ends) break;
  }
  if (star + 1 >= rest.len) {
    text_t pointer = JOIN(place, rest);
    // Of a key that an object repeats only the last value is seen, but removing takes them all. So what seems not to be
    // there is removed, which does nothing where it is really not.
    bool absent = event_json_kind(event, pointer) == JSON_ABSENT;
    push(targets, (target_t){pointer, absent ? REMOVE : edit});
    return;
  }
  text_t parent = JOIN(place, text_slice(rest, 0, star));
  text_t after = text_slice(rest, star + 2, rest.len);
  text_t source, name, value;
  if (!event_json_source(event, parent, &source)) return;
  for (json_walk_t walk = json_walk(source); json_next_member(&walk, &name, &value);)
    targets_add(targets, event, json_pointer(parent, name), after, edit);
  int64_t index = 0;
  for (json_walk_t walk = json_walk(source); json_next_item(&walk, &value); index++) {
    builder_t item = {0};
    build(&item, parent);
    build_byte(&item, '/');
    build_number(&item, index);
    targets_add(targets, event, built(&item), after, edit);
  }
}

// Cuts the first segment off a pointer. False at the end.
static bool cut(text_t *pointer, text_t *segment) {
  if (pointer->len == 0) return false;
  size_t end = 1;
  while (end < pointer->len && pointer->ptr[end] != '/') end++;
  *segment = text_slice(*pointer, 1, end);
  *pointer = text_slice(*pointer, end, pointer->len);
  return true;
}

static bool is_index(text_t segment) {
  for (size_t at = 0; at < segment.len; at++)
    if (segment.ptr[at] < '0' || segment.ptr[at] > '9') return false;
  return segment.len > 0;
}

// Negative where the left one comes first. Indexes compare as numbers: for numbers without leading zeros that is by length first.
static int segment_order(text_t left, text_t right) {
  if (is_index(left) && is_index(right) && left.len != right.len) return left.len < right.len ? -1 : 1;
  size_t shorter = left.len < right.len ? left.len : right.len;
  int order = memcmp(left.ptr, right.ptr, shorter);
  return order != 0 ? order : (left.len > right.len) - (left.len < right.len);
}

static int order(target_t left, target_t right) {
  text_t l = left.pointer, r = right.pointer, left_segment, right_segment;
  for (;;) {
    bool more = cut(&l, &left_segment);
    if (more != cut(&r, &right_segment)) return more ? 1 : -1;
    if (!more) return (int)left.edit - (int)right.edit;
    int segments = segment_order(left_segment, right_segment);
    if (segments != 0) return segments;
  }
}

// Lets the target at `at` sink to where none below it is greater.
static void sift(target_t *heap, size_t len, size_t at) {
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= len) return;
    if (child + 1 < len && order(heap[child], heap[child + 1]) < 0) child++;
    if (order(heap[at], heap[child]) >= 0) return;
    target_t sunk = heap[at];
    heap[at] = heap[child];
    heap[child] = sunk;
    at = child;
  }
}

void targets_sort(targets_t *targets) {
  for (size_t at = targets->len / 2; at-- > 0;) sift(targets->ptr, targets->len, at);
  for (size_t len = targets->len; len > 1;) {
    target_t greatest = targets->ptr[0];
    targets->ptr[0] = targets->ptr[--len];
    targets->ptr[len] = greatest;
    sift(targets->ptr, len, 0);
  }
}

static bool is_within(text_t pointer, text_t ancestor) {
  if (pointer.len < ancestor.len || !text_equal(text_slice(pointer, 0, ancestor.len), ancestor)) return false;
  return pointer.len == ancestor.len || pointer.ptr[ancestor.len] == '/';
}

void targets_drop_inner(targets_t *targets) {
  // What lies below a target comes right after it.
  size_t kept = 0;
  for (size_t at = 0; at < targets->len; at++) {
    target_t target = targets->ptr[at];
    if (kept == 0 || !is_within(target.pointer, targets->ptr[kept - 1].pointer)) targets->ptr[kept++] = target;
  }
  targets->len = kept;
}
