// See guest.h.

#include "guest.h"

// `DO(name)` begins the order `name`, whose step is `s`; `ARGUMENT(name)` is its text argument.
#define DO(name) static text_t do_##name(const step_t *s)
#define ARGUMENT(name) text(s, TEXT(name))

DO(id) { return event_id(s->event); }
DO(source) { return event_source(s->event); }
DO(kind) { return event_kind(s->event); }
DO(received_at) { return number(event_received_at(s->event)); }
DO(method) { return event_method(s->event); }
DO(path) { return event_path(s->event); }
DO(query) { return event_query(s->event); }
DO(headers) { return header_list(event_headers(s->event)); }
DO(body_length) { return number(event_body_length(s->event)); }
DO(body) { return hex(event_body(s->event)); }
DO(body_range) { return hex(event_body_range(s->event, u32(s, TEXT("offset"), 0), u32(s, TEXT("length"), 0))); }

DO(json_kind) {
  switch (event_json_kind(s->event, ARGUMENT("pointer"))) {
    case JSON_ABSENT: return TEXT("absent");
    case JSON_INVALID: return TEXT("invalid");
    case JSON_NULL: return TEXT("null");
    case JSON_BOOLEAN: return TEXT("boolean");
    case JSON_NUMBER: return TEXT("number");
    case JSON_STRING: return TEXT("string");
    case JSON_ARRAY: return TEXT("array");
    case JSON_OBJECT: return TEXT("object");
  }
  abort();
}

// Orders that look something up: its argument, its type, and how a value is shown.
#define LOOKUP(name, argument, type, shown)                                                                                     \
  DO(name) {                                                                                                                    \
    type value;                                                                                                                 \
    bool there = event_##name(s->event, ARGUMENT(argument), &value);                                                            \
    return there ? option(true, shown(value)) : option(false, (text_t){0});                                                     \
  }
#define ITSELF(value) value
LOOKUP(header, "name", text_t, ITSELF)
LOOKUP(attribute, "name", text_t, ITSELF)
LOOKUP(json_string, "pointer", text_t, ITSELF)
LOOKUP(json_integer, "pointer", int64_t, number)
LOOKUP(json_number, "pointer", double, bits)
LOOKUP(json_boolean, "pointer", bool, boolean)
LOOKUP(json_length, "pointer", uint32_t, number)
LOOKUP(json_source, "pointer", text_t, ITSELF)

// Orders without a result.
#define EDIT(name, call)                                                                                                        \
  DO(name) {                                                                                                                    \
    call;                                                                                                                       \
    return TEXT("ok");                                                                                                          \
  }
EDIT(set_header, set_header(ARGUMENT("name"), ARGUMENT("value")))
EDIT(remove_header, remove_header(ARGUMENT("name")))
EDIT(set_body, set_body(bytes(s)))
EDIT(json_set, json_set(ARGUMENT("pointer"), ARGUMENT("value")))
EDIT(json_remove, json_remove(ARGUMENT("pointer")))
EDIT(set_attribute, set_attribute(ARGUMENT("name"), ARGUMENT("value")))
EDIT(send_to, send_to(names(s)))
EDIT(not_before, not_before(u32(s, TEXT("seconds"), 0)))
EDIT(report, set_body(bytes_of(built(s->report))))
EDIT(count, count(ARGUMENT("name"), u32(s, TEXT("delta"), 0)))
EDIT(observe, observe(ARGUMENT("name"), f64(s)))

DO(emit) {
  headers_t set = headers(s);
  emit((message_t){.destinations = names(s), .headers = {set.ptr, set.len}, .body = bytes(s)});
  return TEXT("ok");
}

DO(reply) {
  headers_t set = headers(s);
  reply((response_t){.status = u32(s, TEXT("status"), 0), .headers = {set.ptr, set.len}, .body = bytes(s)});
  return TEXT("ok");
}

DO(log) {
  static const char *const LEVELS[] = {"debug", "info", "warn", "error"};
  text_t wanted = ARGUMENT("level");
  for (log_level_t level = LOG_DEBUG; level <= LOG_ERROR; level++) {
    text_t name = {(uint8_t *)LEVELS[level], strlen(LEVELS[level])};
    if (text_equal(wanted, name)) log_line(level, ARGUMENT("value"));
  }
  return TEXT("ok");
}

DO(config_get) {
  text_t value;
  bool there = config_get(ARGUMENT("pointer"), &value);
  return option(there, value);
}

DO(config_text) {
  (void)s;
  return config_text();
}

DO(secret) {
  bytes_t value;
  bool there = secret_get(ARGUMENT("name"), &value);
  return there ? option(true, hex(value)) : option(false, (text_t){0});
}

DO(kv_get) {
  maybe_bytes_t value;
  kv_error_t error;
  if (!kv_get(ARGUMENT("key"), &value, &error)) return kv_failure(error);
  return value.is_some ? option(true, hex(value.val)) : option(false, (text_t){0});
}

DO(kv_set) {
  kv_error_t error;
  bool done = kv_set(ARGUMENT("key"), bytes(s), u32(s, TEXT("ttl"), 0), &error);
  return done ? TEXT("ok") : kv_failure(error);
}

DO(kv_remove) {
  kv_error_t error;
  return kv_remove(ARGUMENT("key"), &error) ? TEXT("ok") : kv_failure(error);
}

DO(kv_increment) {
  int64_t sum;
  kv_error_t error;
  bool done = kv_increment(ARGUMENT("key"), s64(s, TEXT("delta")), u32(s, TEXT("ttl"), 0), &sum, &error);
  return done ? number(sum) : kv_failure(error);
}

DO(kv_compare_and_set) {
  text_t before;
  bytes_t expected;
  bool some = given(s, TEXT("expected"), &before);
  if (some) expected = bytes_of(before);
  bool did;
  kv_error_t error;
  uint32_t ttl = u32(s, TEXT("ttl"), 0);
  bool done = kv_compare_and_set(ARGUMENT("key"), some ? &expected : NULL, bytes(s), ttl, &did, &error);
  return done ? boolean(did) : kv_failure(error);
}

DO(send) {
  headers_t set = headers(s);
  request_t request = {ARGUMENT("method"), ARGUMENT("url"), {set.ptr, set.len}, bytes(s), u32(s, TEXT("timeout"), 0)};
  response_t response;
  http_error_t error;
  if (!http_send(request, &response, &error)) return http_failure(error);
  text_t list = header_list((headers_t){response.headers.ptr, response.headers.len});
  return JOIN(number(response.status), TEXT("|"), list, TEXT("|"), hex(response.body));
}

DO(calls) {
  (void)s;
  return number(calls);
}

do_t *op_named(text_t name) {
  static const struct { const char *name; do_t *what; } OPS[] = {
      {"id", do_id}, {"source", do_source}, {"kind", do_kind}, {"received-at", do_received_at}, {"method", do_method},
      {"path", do_path}, {"query", do_query}, {"headers", do_headers}, {"body-length", do_body_length}, {"body", do_body},
      {"header", do_header}, {"attribute", do_attribute}, {"body-range", do_body_range}, {"json-kind", do_json_kind},
      {"json-string", do_json_string}, {"json-integer", do_json_integer}, {"json-number", do_json_number},
      {"json-boolean", do_json_boolean}, {"json-length", do_json_length}, {"json-source", do_json_source},
      {"set-header", do_set_header}, {"remove-header", do_remove_header}, {"set-body", do_set_body},
      {"json-set", do_json_set}, {"json-remove", do_json_remove}, {"set-attribute", do_set_attribute},
      {"send-to", do_send_to}, {"not-before", do_not_before}, {"emit", do_emit}, {"reply", do_reply}, {"log", do_log},
      {"config-get", do_config_get}, {"config-text", do_config_text}, {"secret", do_secret}, {"kv-get", do_kv_get},
      {"kv-set", do_kv_set}, {"kv-remove", do_kv_remove}, {"kv-increment", do_kv_increment},
      {"kv-compare-and-set", do_kv_compare_and_set}, {"count", do_count}, {"observe", do_observe}, {"send", do_send},
      {"report", do_report}, {"calls", do_calls},
  };
  for (size_t at = 0; at < sizeof OPS / sizeof *OPS; at++) {
    text_t known = {(uint8_t *)OPS[at].name, strlen(OPS[at].name)};
    if (text_equal(name, known)) return OPS[at].what;
  }
  return NULL;
}
