// See guest.h.

#include "guest.h"

text_t number(int64_t number) {
  builder_t builder = {0};
  build_number(&builder, number);
  return built(&builder);
}

text_t boolean(bool value) { return value ? TEXT("true") : TEXT("false"); }

static const char DIGITS[] = "0123456789abcdef";

text_t hex(bytes_t bytes) {
  text_t text = {malloc(bytes.len * 2), bytes.len * 2};
  for (size_t at = 0; at < bytes.len; at++) {
    text.ptr[2 * at] = DIGITS[bytes.ptr[at] >> 4];
    text.ptr[2 * at + 1] = DIGITS[bytes.ptr[at] & 15];
  }
  return text;
}

text_t bits(double number) {
  union { double number; uint64_t bits; } both = {number};
  text_t text = {malloc(16), 16};
  for (int at = 16; at-- > 0; both.bits >>= 4) text.ptr[at] = DIGITS[both.bits & 15];
  return text;
}

text_t header_list(headers_t headers) {
  builder_t list = {0};
  for (size_t at = 0; at < headers.len; at++) {
    build(&list, headers.ptr[at].name);
    build_byte(&list, '=');
    build(&list, headers.ptr[at].value);
    build_byte(&list, ';');
  }
  return built(&list);
}

text_t option(bool there, text_t value) { return there ? JOIN(TEXT("some "), value) : TEXT("none"); }

text_t kv_failure(kv_error_t error) {
  if (error.tag == HOOKYARD_PLUGIN_KV_KV_ERROR_QUOTA) return TEXT("error quota");
  return JOIN(TEXT("error unavailable "), error.val.unavailable);
}

text_t http_failure(http_error_t error) {
  switch (error.tag) {
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_DENIED: return JOIN(TEXT("error denied "), error.val.denied);
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_TIMEOUT: return TEXT("error timeout");
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_TOO_LARGE: return TEXT("error too-large");
    default: return JOIN(TEXT("error failed "), error.val.failed);
  }
}
