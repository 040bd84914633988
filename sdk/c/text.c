// Text that is put together.

#include "hookyard.h"

void build(builder_t *builder, text_t text) {
  if (text.len == 0) return;
  size_t needed = builder->len + text.len;
  if (needed > builder->room) {
    size_t room = builder->room * 2 > needed ? builder->room * 2 : needed + 32;
    builder->ptr = realloc(builder->ptr, room);
    builder->room = room;
  }
  memcpy(builder->ptr + builder->len, text.ptr, text.len);
  builder->len = needed;
}

void build_byte(builder_t *builder, uint8_t byte) { build(builder, (text_t){&byte, 1}); }

void build_number(builder_t *builder, int64_t number) {
  uint8_t digits[20];
  size_t at = sizeof digits;
  // The least number has no positive counterpart.
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do digits[--at] = '0' + rest % 10;
  while (rest /= 10);
  if (number < 0) build_byte(builder, '-');
  build(builder, (text_t){digits + at, sizeof digits - at});
}

text_t text_join(const text_t *texts, size_t count) {
  builder_t joined = {0};
  for (size_t at = 0; at < count; at++) build(&joined, texts[at]);
  return built(&joined);
}
