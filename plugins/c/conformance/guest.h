// What the parts of the test guest share.
#pragma once
#include "sdk/hookyard.h"

// One order: where its arguments stand, and the report that it may read.
typedef struct {
  event_t event;
  text_t place;
  const builder_t *report;
} step_t;

// An order that does not end the call. Returns its result as text.
typedef text_t do_t(const step_t *step);

// NULL where there is none of this name.
do_t *op_named(text_t name);

extern uint64_t calls;

// -- arguments
bool given(const step_t *step, text_t name, text_t *value);
text_t text(const step_t *step, text_t name);
uint32_t u32(const step_t *step, text_t name, uint32_t otherwise);
int64_t s64(const step_t *step, text_t name);
double f64(const step_t *step);
bytes_t bytes(const step_t *step);
texts_t names(const step_t *step);
headers_t headers(const step_t *step);

// -- results
text_t number(int64_t number);
text_t boolean(bool value);
text_t hex(bytes_t bytes);
text_t bits(double number);
text_t header_list(headers_t headers);
// `none`, or `some ` and the value.
text_t option(bool there, text_t value);
text_t kv_failure(kv_error_t error);
text_t http_failure(http_error_t error);
