// Makes a plugin one that takes part in a route's chain. To be taken in by one file, which defines `process`.
#pragma once
#include "hookyard.h"

// What becomes of the event: `forward()`, `discard(…)` and `fail(…)` make one.
typedef exports_hookyard_plugin_handler_result_verdict_failure_t verdict_t;

static inline verdict_t forward(void) {
  return (verdict_t){.val = {.ok = {.tag = EXPORTS_HOOKYARD_PLUGIN_HANDLER_VERDICT_FORWARD}}};
}
static inline verdict_t discard(text_t reason) {
  return (verdict_t){.val = {.ok = {.tag = EXPORTS_HOOKYARD_PLUGIN_HANDLER_VERDICT_DISCARD, .val = {.discard = reason}}}};
}
static inline verdict_t fail(failure_t failure) { return (verdict_t){.is_err = true, .val = {.err = failure}}; }

// Handles one event. May run more than once for an event.
static verdict_t process(event_t event);

bool exports_hookyard_plugin_handler_process(
    exports_hookyard_plugin_handler_own_event_t event,
    exports_hookyard_plugin_handler_verdict_t *verdict,
    exports_hookyard_plugin_handler_failure_t *failure) {
  hookyard_begin();
  verdict_t outcome = process(hookyard_plugin_events_borrow_event(event));
  hookyard_plugin_events_event_drop_own(event);
  if (outcome.is_err) *failure = outcome.val.err;
  else *verdict = outcome.val.ok;
  return !outcome.is_err;
}

#include "exports/handler.h"
