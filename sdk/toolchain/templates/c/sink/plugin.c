#include "sdk/sink.h"

static failure_t unanswered(http_error_t error) {
  switch (error.tag) {
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_DENIED: return permanent(error.val.denied);
    case HOOKYARD_PLUGIN_HTTP_HTTP_ERROR_FAILED: return retryable(error.val.failed);
    default: return retryable(TEXT("the receiver did not answer as it should"));
  }
}

static delivery_t deliver(event_t message, uint32_t attempt) {
  (void)attempt; // counts from 1
  request_t request = {.method = TEXT("POST"), .body = event_body(message)};
  response_t answer;
  http_error_t error;
  if (!config_get(TEXT("/url"), &request.url)) return fail(permanent(TEXT("config: `url` is missing")));
  if (!http_send(request, &answer, &error)) return fail(unanswered(error));
  if (answer.status >= 200 && answer.status < 300) return delivered(answer.status, text_of(answer.body));
  builder_t reason = {0};
  build(&reason, TEXT("the receiver answered "));
  build_number(&reason, answer.status);
  bool later = answer.status == 429 || answer.status >= 500;
  return fail(later ? retryable(built(&reason)) : permanent(built(&reason)));
}
