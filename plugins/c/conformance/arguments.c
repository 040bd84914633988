// See guest.h.

#include "guest.h"

// Reads digits in a base; anything else traps, since the orders are ours.
static uint64_t digits(text_t text, unsigned base) {
  uint64_t number = 0;
  for (size_t at = 0; at < text.len; at++) {
    uint8_t byte = text.ptr[at];
    unsigned digit = byte <= '9' ? byte - '0' : byte - 'a' + 10;
    if (digit >= base) abort();
    number = number * base + digit;
  }
  return number;
}

static bool argument(const step_t *step, text_t name, text_t *value) {
  return config_get(JOIN(step->place, name), value);
}

bool given(const step_t *step, text_t name, text_t *value) {
  if (!argument(step, name, value)) return false;
  if (!text_equal(name, TEXT("value"))) return true;
  uint32_t times = u32(step, TEXT("repeat"), 1);
  if (times == 1) return true;
  text_t repeated = {malloc(value->len * times), value->len * times};
  for (uint32_t n = 0; n < times; n++) memcpy(repeated.ptr + n * value->len, value->ptr, value->len);
  *value = repeated;
  return true;
}

text_t text(const step_t *step, text_t name) {
  text_t value;
  return given(step, name, &value) ? value : TEXT("");
}

uint32_t u32(const step_t *step, text_t name, uint32_t otherwise) {
  text_t value;
  return argument(step, name, &value) ? digits(value, 10) : otherwise;
}

int64_t s64(const step_t *step, text_t name) {
  text_t value;
  if (!argument(step, name, &value)) return 0;
  bool negative = value.len > 0 && *value.ptr == '-';
  uint64_t size = digits(text_slice(value, negative, value.len), 10);
  return negative ? 0 - size : size;
}

double f64(const step_t *step) {
  union { uint64_t bits; double number; } both = {digits(text(step, TEXT("bits")), 16)};
  return both.number;
}

bytes_t bytes(const step_t *step) {
  text_t value;
  return given(step, TEXT("value"), &value) ? bytes_of(value) : event_body(step->event);
}

static text_t place(const step_t *step, text_t list, int64_t n, text_t member) {
  return JOIN(step->place, list, TEXT("/"), number(n), member);
}

texts_t names(const step_t *step) {
  texts_t names = {0};
  text_t name;
  while (config_get(place(step, TEXT("to"), names.len, TEXT("")), &name)) {
    names.ptr = realloc(names.ptr, (names.len + 1) * sizeof name);
    names.ptr[names.len++] = name;
  }
  return names;
}

headers_t headers(const step_t *step) {
  headers_t headers = {0};
  header_t header;
  while (config_get(place(step, TEXT("headers"), headers.len, TEXT("/name")), &header.name)) {
    if (!config_get(place(step, TEXT("headers"), headers.len, TEXT("/value")), &header.value)) header.value = TEXT("");
    headers.ptr = realloc(headers.ptr, (headers.len + 1) * sizeof header);
    headers.ptr[headers.len++] = header;
  }
  return headers;
}
