#include "sdk/verifier.h"

// Takes as long for a wrong guess as for a right one, so that the time does not tell how much of it was right.
static bool is_same(text_t token, bytes_t secret) {
  uint8_t different = token.len != secret.len;
  for (size_t at = 0; at < token.len && at < secret.len; at++) different |= token.ptr[at] ^ secret.ptr[at];
  return different == 0;
}

static outcome_t verify(event_t request) {
  text_t name, token, kind = TEXT("");
  bytes_t secret;
  if (!config_get(TEXT("/secret"), &name) || !secret_get(name, &secret) ||
      !event_header(request, TEXT("x-token"), &token) || !is_same(token, secret))
    return rejected(TEXT("x-token is missing or wrong"));
  event_header(request, TEXT("x-kind"), &kind);
  return genuine(kind, TEXT(""));
}
