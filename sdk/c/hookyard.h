// What a Hookyard plugin in C is written with. Take in one of processor.h, verifier.h and sink.h, which take in this one.
//
// Text is a pointer and a length, never ended by a zero, and may contain one. All memory is the call's: nothing has to be freed,
// nothing lives longer (see memory.c). A loop that calls the host very often goes back to a mark in between.
//
// A capability is asked for by calling it: a plugin that calls no `kv_…` function does not import kv, and needs no grant for
// it. The functions are short names for those of bindings.h, which is generated from the contract and documents them all.
#pragma once

#include "bindings.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef hookyard_string_t text_t;
typedef hookyard_list_u8_t bytes_t;
typedef hookyard_plugin_types_header_t header_t;
typedef hookyard_plugin_types_response_t response_t;
typedef hookyard_plugin_types_failure_t failure_t;
typedef hookyard_plugin_events_borrow_event_t event_t;

// A literal as text.
#define TEXT(literal) ((text_t){(uint8_t *)("" literal), sizeof(literal) - 1})

// Empties the memory of the call before. The headers of the worlds call it.
void hookyard_begin(void);

// `memory_release` gives back all that was allocated since `memory_mark` returned the mark.
typedef struct { size_t top, last; } memory_mark_t;
memory_mark_t memory_mark(void);
void memory_release(memory_mark_t mark);

// -- text ------------------------------------------------------------------------------------------------------------------------

static inline bool text_equal(text_t left, text_t right) {
  return left.len == right.len && memcmp(left.ptr, right.ptr, left.len) == 0;
}

// From byte `from` up to but without byte `to`, both within the text.
static inline text_t text_slice(text_t text, size_t from, size_t to) {
  return (text_t){text.ptr + from, to - from};
}

static inline bytes_t bytes_of(text_t text) { return (bytes_t){text.ptr, text.len}; }
static inline text_t text_of(bytes_t bytes) { return (text_t){bytes.ptr, bytes.len}; }

// Text that grows. Begins as {0}.
typedef struct { uint8_t *ptr; size_t len, room; } builder_t;

void build(builder_t *builder, text_t text);
void build_byte(builder_t *builder, uint8_t byte);
void build_number(builder_t *builder, int64_t number);
static inline text_t built(const builder_t *builder) { return (text_t){builder->ptr, builder->len}; }

// Several texts as one: JOIN(TEXT("a"), b, TEXT("c")).
#define JOIN(...) text_join((text_t[]){__VA_ARGS__}, sizeof((text_t[]){__VA_ARGS__}) / sizeof(text_t))
text_t text_join(const text_t *texts, size_t count);

// -- the event ---------------------------------------------------------------------------------------------------------------------
// A function that returns `bool` says whether there is a value, and writes it through its last argument if there is.

#define EVENT_TEXT(name)                                                                                                        \
  static inline text_t event_##name(event_t event) {                                                                            \
    text_t text;                                                                                                                \
    hookyard_plugin_events_method_event_##name(event, &text);                                                                   \
    return text;                                                                                                                \
  }
EVENT_TEXT(id)
EVENT_TEXT(source)
EVENT_TEXT(kind)
EVENT_TEXT(method)
EVENT_TEXT(path)
EVENT_TEXT(query)
#undef EVENT_TEXT

#define EVENT_LOOKUP(name, type)                                                                                                \
  static inline bool event_##name(event_t event, text_t key, type *value) {                                                     \
    return hookyard_plugin_events_method_event_##name(event, &key, value);                                                      \
  }
EVENT_LOOKUP(header, text_t)
EVENT_LOOKUP(attribute, text_t)
EVENT_LOOKUP(json_string, text_t)
EVENT_LOOKUP(json_integer, int64_t)
EVENT_LOOKUP(json_number, double)
EVENT_LOOKUP(json_boolean, bool)
EVENT_LOOKUP(json_length, uint32_t)
EVENT_LOOKUP(json_source, text_t)
#undef EVENT_LOOKUP

typedef hookyard_plugin_events_list_header_t headers_t;

static inline int64_t event_received_at(event_t event) { return hookyard_plugin_events_method_event_received_at(event); }
static inline uint32_t event_body_length(event_t event) { return hookyard_plugin_events_method_event_body_length(event); }

static inline bytes_t event_body(event_t event) {
  bytes_t body;
  hookyard_plugin_events_method_event_body(event, &body);
  return body;
}

static inline bytes_t event_body_range(event_t event, uint32_t offset, uint32_t length) {
  bytes_t body;
  hookyard_plugin_events_method_event_body_range(event, offset, length, &body);
  return body;
}

static inline headers_t event_headers(event_t event) {
  headers_t headers;
  hookyard_plugin_events_method_event_headers(event, &headers);
  return headers;
}

typedef enum {
  JSON_ABSENT = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_ABSENT,
  JSON_INVALID = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_INVALID,
  JSON_NULL = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_NULL,
  JSON_BOOLEAN = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_BOOLEAN,
  JSON_NUMBER = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_NUMBER,
  JSON_STRING = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_STRING,
  JSON_ARRAY = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_ARRAY,
  JSON_OBJECT = HOOKYARD_PLUGIN_EVENTS_JSON_KIND_OBJECT,
} json_kind_t;

static inline json_kind_t event_json_kind(event_t event, text_t pointer) {
  return hookyard_plugin_events_method_event_json_kind(event, &pointer);
}

// -- edits -------------------------------------------------------------------------------------------------------------------------

typedef hookyard_plugin_output_message_t message_t;
typedef hookyard_list_string_t texts_t;

static inline void set_header(text_t name, text_t value) { hookyard_plugin_output_set_header(&name, &value); }
static inline void remove_header(text_t name) { hookyard_plugin_output_remove_header(&name); }
static inline void set_body(bytes_t body) { hookyard_plugin_output_set_body(&body); }
static inline void json_set(text_t pointer, text_t value) { hookyard_plugin_output_json_set(&pointer, &value); }
static inline void json_remove(text_t pointer) { hookyard_plugin_output_json_remove(&pointer); }
static inline void set_attribute(text_t name, text_t value) { hookyard_plugin_output_set_attribute(&name, &value); }
static inline void send_to(texts_t destinations) { hookyard_plugin_output_send_to(&destinations); }
static inline void not_before(uint32_t delay_seconds) { hookyard_plugin_output_not_before(delay_seconds); }
static inline void emit(message_t message) { hookyard_plugin_output_emit(&message); }
static inline void reply(response_t response) { hookyard_plugin_output_reply(&response); }

// -- the host ----------------------------------------------------------------------------------------------------------------------

typedef enum {
  LOG_DEBUG = HOOKYARD_PLUGIN_LOGGING_LEVEL_DEBUG,
  LOG_INFO = HOOKYARD_PLUGIN_LOGGING_LEVEL_INFO,
  LOG_WARN = HOOKYARD_PLUGIN_LOGGING_LEVEL_WARN,
  LOG_ERROR = HOOKYARD_PLUGIN_LOGGING_LEVEL_ERROR,
} log_level_t;

static inline void log_line(log_level_t level, text_t line) { hookyard_plugin_logging_log(level, &line); }

// The value at a pointer in the plugin's own table: a string unquoted, any other value as JSON text.
static inline bool config_get(text_t pointer, text_t *value) { return hookyard_plugin_config_get(&pointer, value); }

static inline text_t config_text(void) {
  text_t text;
  hookyard_plugin_config_text(&text);
  return text;
}

// Takes the grant allow = { secrets = ["name"] }.
static inline bool secret_get(text_t name, bytes_t *value) { return hookyard_plugin_secrets_get(&name, value); }

// Take the grant allow = { metrics = true }.
static inline void count(text_t name, uint32_t delta) { hookyard_plugin_metrics_count(&name, delta); }
static inline void observe(text_t name, double value) { hookyard_plugin_metrics_observe(&name, value); }

// The key-value store takes the grant allow = { kv = true }. These return false and write the error if they did nothing. A time to
// live is in seconds from the commit; 0: for ever.
typedef hookyard_plugin_kv_kv_error_t kv_error_t;
typedef hookyard_option_list_u8_t maybe_bytes_t;

static inline bool kv_get(text_t key, maybe_bytes_t *value, kv_error_t *error) {
  return hookyard_plugin_kv_get(&key, value, error);
}
static inline bool kv_set(text_t key, bytes_t value, uint32_t ttl, kv_error_t *error) {
  return hookyard_plugin_kv_set(&key, &value, ttl, error);
}
static inline bool kv_remove(text_t key, kv_error_t *error) { return hookyard_plugin_kv_remove(&key, error); }
static inline bool kv_increment(text_t key, int64_t delta, uint32_t ttl, int64_t *sum, kv_error_t *error) {
  return hookyard_plugin_kv_increment(&key, delta, ttl, sum, error);
}
// `expected` may be NULL: the key must be absent.
static inline bool kv_compare_and_set(text_t key, bytes_t *expected, bytes_t value, uint32_t ttl, bool *did, kv_error_t *error) {
  return hookyard_plugin_kv_compare_and_set(&key, expected, &value, ttl, did, error);
}

// Takes the grant allow = { http = ["https://api.example.com"] }. Returns false and writes the error if there is no response.
typedef hookyard_plugin_http_request_t request_t;
typedef hookyard_plugin_http_http_error_t http_error_t;

static inline bool http_send(request_t request, response_t *response, http_error_t *error) {
  return hookyard_plugin_http_send(&request, response, error);
}

// -- failures ------------------------------------------------------------------------------------------------------------------------

static inline failure_t retryable(text_t reason) {
  return (failure_t){.tag = HOOKYARD_PLUGIN_TYPES_FAILURE_RETRYABLE, .val = {.retryable = reason}};
}
static inline failure_t permanent(text_t reason) {
  return (failure_t){.tag = HOOKYARD_PLUGIN_TYPES_FAILURE_PERMANENT, .val = {.permanent = reason}};
}
