// The test guest: does what its configuration orders, so that one suite can hold every language to the same.

#include "guest.h"
#include "sdk/processor.h"

// How many calls this instance has been given.
uint64_t calls;

static text_t reason(const step_t *step) {
  text_t value;
  return given(step, TEXT("value"), &value) ? value : built(step->report);
}

static _Noreturn void loop(void) {
  for (volatile uint64_t spun = 0;; spun++) {}
}

static _Noreturn void allocate(void) {
  for (;;) {
    volatile uint8_t *piece = malloc(1 << 20);
    for (size_t at = 0; at < 1 << 20; at += 4096) piece[at] = 1;
  }
}

// Carries out an order that ends the call. False where it is none.
static bool ends(const step_t *step, text_t op, verdict_t *verdict) {
  if (text_equal(op, TEXT("forward"))) *verdict = forward();
  else if (text_equal(op, TEXT("discard"))) *verdict = discard(reason(step));
  else if (text_equal(op, TEXT("retryable"))) *verdict = fail(retryable(reason(step)));
  else if (text_equal(op, TEXT("permanent"))) *verdict = fail(permanent(reason(step)));
  else if (text_equal(op, TEXT("trap"))) __builtin_trap();
  else if (text_equal(op, TEXT("loop"))) loop();
  else if (text_equal(op, TEXT("allocate"))) allocate();
  else return false;
  return true;
}

static verdict_t process(event_t event) {
  text_t script, op;
  if (!event_header(event, TEXT("x-do"), &script)) return forward();
  calls++;
  builder_t report = {0};
  for (int64_t n = 0;; n++) {
    builder_t place = {0};
    build(&place, JOIN(TEXT("/"), script, TEXT("/")));
    build_number(&place, n);
    build_byte(&place, '/');
    step_t step = {event, built(&place), &report};
    if (!config_get(JOIN(step.place, TEXT("op")), &op)) return forward();
    verdict_t verdict;
    if (ends(&step, op, &verdict)) return verdict;
    do_t *what = op_named(op);
    if (what == NULL) return fail(permanent(JOIN(TEXT("unknown op: "), op)));
    text_t result = {0};
    uint32_t times = u32(&step, TEXT("times"), 1);
    memory_mark_t mark = memory_mark();
    for (; times > 0; times--) {
      memory_release(mark);
      result = what(&step);
    }
    build(&report, result);
    build_byte(&report, '\n');
  }
}
