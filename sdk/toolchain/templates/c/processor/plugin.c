#include "sdk/processor.h"

static verdict_t process(event_t event) {
  text_t action;
  if (event_json_string(event, TEXT("/action"), &action) && text_equal(action, TEXT("deleted")))
    return discard(TEXT("deleted"));
  set_header(TEXT("x-kind"), event_kind(event));
  return forward();
}
