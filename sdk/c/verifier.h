// Makes a plugin one that verifies the requests of a source. To be taken in by one file, which defines `verify`.
#pragma once
#include "hookyard.h"

// What a request is.
typedef exports_hookyard_plugin_verification_outcome_t outcome_t;

// From the sender it claims. The kind of event and the sender's id of the delivery may be empty: then the source's settings say
// where they stand.
static inline outcome_t genuine(text_t kind, text_t delivery_id) {
  return (outcome_t){
      .tag = EXPORTS_HOOKYARD_PLUGIN_VERIFICATION_OUTCOME_GENUINE,
      .val = {.genuine = {{kind.len > 0, kind}, {delivery_id.len > 0, delivery_id}}},
  };
}
// A handshake: answered with this response, and not stored.
static inline outcome_t challenge(response_t response) {
  return (outcome_t){.tag = EXPORTS_HOOKYARD_PLUGIN_VERIFICATION_OUTCOME_CHALLENGE, .val = {.challenge = response}};
}
// Refused with 401. The reason is for the operator and is not sent.
static inline outcome_t rejected(text_t reason) {
  return (outcome_t){.tag = EXPORTS_HOOKYARD_PLUGIN_VERIFICATION_OUTCOME_REJECTED, .val = {.rejected = reason}};
}

// Verifies one request, before it is stored.
static outcome_t verify(event_t request);

void exports_hookyard_plugin_verification_verify(
    exports_hookyard_plugin_verification_own_event_t request, outcome_t *outcome) {
  hookyard_begin();
  *outcome = verify(hookyard_plugin_events_borrow_event(request));
  hookyard_plugin_events_event_drop_own(request);
}

#include "exports/verification.h"
