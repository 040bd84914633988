// Makes a plugin a destination. To be taken in by one file, which defines `deliver`.
#pragma once
#include "hookyard.h"

// How an attempt went: `delivered(…)` and `fail(…)` make one.
typedef exports_hookyard_plugin_delivery_result_receipt_failure_t delivery_t;

// The status is 200 where there is none; the detail is for the operator, and may be empty.
static inline delivery_t delivered(uint16_t status, text_t detail) {
  return (delivery_t){.val = {.ok = {status, detail}}};
}
static inline delivery_t fail(failure_t failure) { return (delivery_t){.is_err = true, .val = {.err = failure}}; }

// Makes one attempt to deliver a message. Attempts count from 1. After a retryable failure there is another.
static delivery_t deliver(event_t message, uint32_t attempt);

bool exports_hookyard_plugin_delivery_deliver(
    exports_hookyard_plugin_delivery_own_event_t message, uint32_t attempt,
    exports_hookyard_plugin_delivery_receipt_t *receipt, exports_hookyard_plugin_delivery_failure_t *failure) {
  hookyard_begin();
  delivery_t outcome = deliver(hookyard_plugin_events_borrow_event(message), attempt);
  hookyard_plugin_events_event_drop_own(message);
  if (outcome.is_err) *failure = outcome.val.err;
  else *receipt = outcome.val.ok;
  return !outcome.is_err;
}

#include "exports/delivery.h"
