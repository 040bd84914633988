// Looks up every item of an array over HTTP, keeps the answers for a while, and emits one message per item.

#include "sdk/processor.h"

// The plugin's table in the configuration.
typedef struct {
  text_t items, key, url;
  uint32_t ttl;
} options_t;

static bool parse_seconds(text_t text, uint32_t *seconds) {
  uint64_t number = 0;
  for (size_t at = 0; at < text.len; at++) {
    if (text.ptr[at] < '0' || text.ptr[at] > '9') return false;
    number = number * 10 + (text.ptr[at] - '0');
    if (number > UINT32_MAX) return false;
  }
  *seconds = number;
  return text.len > 0;
}

// Returns what is wrong, or nothing.
static text_t parse(options_t *options) {
  text_t ttl;
  options->ttl = 300;
  if (!config_get(TEXT("/items"), &options->items)) return TEXT("config: `items` is missing");
  if (!config_get(TEXT("/key"), &options->key)) return TEXT("config: `key` is missing");
  if (!config_get(TEXT("/url"), &options->url)) return TEXT("config: `url` is missing");
  if (config_get(TEXT("/ttl"), &ttl) && !parse_seconds(ttl, &options->ttl))
    return TEXT("config: `ttl` must be a number of seconds");
  return (text_t){0};
}

static bool is_unreserved(uint8_t byte) {
  uint8_t letter = byte | 0x20;
  bool alphanumeric = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9');
  return alphanumeric || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

static text_t percent_encoded(text_t text) {
  builder_t encoded = {0};
  for (size_t at = 0; at < text.len; at++) {
    uint8_t byte = text.ptr[at];
    if (is_unreserved(byte)) {
      build_byte(&encoded, byte);
      continue;
    }
    build_byte(&encoded, '%');
    build_byte(&encoded, "0123456789ABCDEF"[byte >> 4]);
    build_byte(&encoded, "0123456789ABCDEF"[byte & 15]);
  }
  return built(&encoded);
}

// The template with the key in place of every `{}`.
static text_t filled(text_t template, text_t key) {
  builder_t url = {0};
  for (size_t at = 0; at < template.len; at++) {
    if (template.ptr[at] == '{' && at + 1 < template.len && template.ptr[at + 1] == '}') {
      build(&url, percent_encoded(key));
      at++;
    } else {
      build_byte(&url, template.ptr[at]);
    }
  }
  return built(&url);
}

static failure_t unanswered(text_t url, http_error_t error) {
  switch (error.tag) {
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_DENIED: return permanent(error.val.denied);
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_TIMEOUT: return retryable(JOIN(url, TEXT(": timeout")));
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_TOO_LARGE: return retryable(JOIN(url, TEXT(": too large")));
    default: return retryable(JOIN(url, TEXT(": "), error.val.failed));
  }
}

static bool ask(text_t url, text_t *answer, failure_t *failure) {
  response_t response;
  http_error_t error;
  if (!http_send((request_t){.method = TEXT("GET"), .url = url}, &response, &error)) {
    *failure = unanswered(url, error);
    return false;
  }
  if (response.status == 404) {
    *answer = TEXT("null");
    return true;
  }
  if (response.status != 200) {
    builder_t reason = {0};
    build(&reason, url);
    build(&reason, TEXT(" answered with status "));
    build_number(&reason, response.status);
    *failure = retryable(built(&reason));
    return false;
  }
  *answer = text_of(response.body);
  return true;
}

// The answer for an item, as JSON text: from the store, or from where the answers are.
static bool look_up(const options_t *options, event_t event, text_t item, text_t *answer, failure_t *failure) {
  text_t pointer = JOIN(item, options->key), key;
  if (!event_json_string(event, pointer, &key)) {
    if (event_json_kind(event, pointer) != JSON_NUMBER || !event_json_source(event, pointer, &key)) {
      *failure = permanent(JOIN(TEXT("there is no string or number at "), pointer));
      return false;
    }
  }
  maybe_bytes_t kept;
  kv_error_t error;
  // The store saves requests; the plugin works without it.
  if (kv_get(key, &kept, &error) && kept.is_some) {
    *answer = text_of(kept.val);
    return true;
  }
  if (!ask(filled(options->url, key), answer, failure)) return false;
  // What cannot be kept is asked for again.
  kv_set(key, bytes_of(*answer), options->ttl, &error);
  return true;
}

static verdict_t process(event_t event) {
  options_t options;
  text_t problem = parse(&options);
  if (problem.len > 0) return fail(permanent(problem));
  uint32_t length;
  if (event_json_kind(event, options.items) != JSON_ARRAY || !event_json_length(event, options.items, &length))
    return fail(permanent(JOIN(TEXT("there is no array at "), options.items)));
  if (length == 0) return discard(TEXT("nothing to expand"));
  header_t json = {TEXT("content-type"), TEXT("application/json")};
  for (uint32_t index = 0; index < length; index++) {
    builder_t item = {0};
    build(&item, options.items);
    build_byte(&item, '/');
    build_number(&item, index);
    text_t found, source = {0};
    failure_t failure;
    if (!look_up(&options, event, built(&item), &found, &failure)) return fail(failure);
    event_json_source(event, built(&item), &source);
    text_t body = JOIN(TEXT("{\"item\":"), source, TEXT(",\"found\":"), found, TEXT("}"));
    emit((message_t){.headers = {&json, 1}, .body = bytes_of(body)});
  }
  return forward();
}
