// See json.h.

#include "json.h"

static void skip(text_t *text, size_t bytes) {
  text->ptr += bytes;
  text->len -= bytes;
}

static uint8_t sigil(text_t *text) {
  while (text->len > 0 && (*text->ptr == ' ' || *text->ptr == '\t' || *text->ptr == '\n' || *text->ptr == '\r')) skip(text, 1);
  return text->len > 0 ? *text->ptr : 0;
}

// The length of the string that the text begins with, with its quotes.
static size_t string_length(text_t text) {
  for (size_t at = 1; at < text.len; at++) {
    if (text.ptr[at] == '\\') at++;
    else if (text.ptr[at] == '"') return at + 1;
  }
  return text.len;
}

// The length of the value that the text begins with.
static size_t value_length(text_t text) {
  size_t depth = 0, at = 0;
  while (at < text.len) {
    uint8_t byte = text.ptr[at];
    if (byte == '"') {
      at += string_length(text_slice(text, at, text.len));
      if (depth == 0) return at;
      continue;
    }
    bool closes = byte == '}' || byte == ']';
    // A number, `true` and the like end where something else begins.
    if (depth == 0 && (closes || byte == ',' || byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r')) return at;
    at++;
    if (byte == '{' || byte == '[') depth++;
    if (closes && --depth == 0) return at;
  }
  return at;
}

// Goes past what stands before a member or an item: the opening or a comma. False at the end.
static bool step(json_walk_t *walk, uint8_t opening) {
  uint8_t found = sigil(&walk->rest);
  if (found != opening && found != ',') return false;
  skip(&walk->rest, 1);
  found = sigil(&walk->rest);
  return found != 0 && found != '}' && found != ']';
}

static text_t taken(json_walk_t *walk) {
  sigil(&walk->rest);
  text_t value = text_slice(walk->rest, 0, value_length(walk->rest));
  skip(&walk->rest, value.len);
  return value;
}

bool json_next_item(json_walk_t *walk, text_t *value) {
  if (!step(walk, '[')) return false;
  *value = taken(walk);
  return true;
}

bool json_next_member(json_walk_t *walk, text_t *name, text_t *value) {
  if (!step(walk, '{') || !json_unescaped(taken(walk), name) || sigil(&walk->rest) != ':') return false;
  skip(&walk->rest, 1);
  *value = taken(walk);
  return true;
}

// Four hex digits; -1 where there are none.
static int32_t hex(text_t text) {
  if (text.len < 4) return -1;
  int32_t code = 0;
  for (size_t at = 0; at < 4; at++) {
    uint8_t byte = text.ptr[at];
    uint8_t letter = byte | 0x20;
    if (byte >= '0' && byte <= '9') code = code * 16 + byte - '0';
    else if (letter >= 'a' && letter <= 'f') code = code * 16 + letter - 'a' + 10;
    else return -1;
  }
  return code;
}

static void build_scalar(builder_t *builder, uint32_t code) {
  if (code < 0x80) {
    build_byte(builder, code);
    return;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  build_byte(builder, (uint8_t)(0xff00 >> (more + 1)) | code >> (6 * more));
  while (more-- > 0) build_byte(builder, 0x80 | (code >> (6 * more) & 0x3f));
}

// One `\uXXXX`, or two that make a pair; `text` begins after the `u`. Goes past what it has read.
static uint32_t unicode(text_t *text) {
  int32_t code = hex(*text);
  if (code < 0) return 0xfffd;
  skip(text, 4);
  if (code < 0xd800 || code > 0xdfff) return code;
  if (code < 0xdc00 && text->len >= 6 && text->ptr[0] == '\\' && text->ptr[1] == 'u') {
    int32_t low = hex(text_slice(*text, 2, text->len));
    if (low >= 0xdc00 && low <= 0xdfff) {
      skip(text, 6);
      return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
  }
  return 0xfffd;
}

bool json_unescaped(text_t source, text_t *text) {
  if (source.len < 2 || *source.ptr != '"') return false;
  text_t rest = text_slice(source, 1, source.len - 1);
  // Most strings have no escapes, and stand as they are.
  bool plain = true;
  for (size_t at = 0; at < rest.len; at++) plain &= rest.ptr[at] != '\\';
  if (plain) {
    *text = rest;
    return true;
  }
  builder_t builder = {0};
  while (rest.len > 0) {
    uint8_t byte = *rest.ptr;
    skip(&rest, 1);
    if (byte != '\\' || rest.len == 0) {
      build_byte(&builder, byte);
      continue;
    }
    byte = *rest.ptr;
    skip(&rest, 1);
    switch (byte) {
      case 'b': build_byte(&builder, '\b'); break;
      case 'f': build_byte(&builder, '\f'); break;
      case 'n': build_byte(&builder, '\n'); break;
      case 'r': build_byte(&builder, '\r'); break;
      case 't': build_byte(&builder, '\t'); break;
      case 'u': build_scalar(&builder, unicode(&rest)); break;
      default: build_byte(&builder, byte);
    }
  }
  *text = built(&builder);
  return true;
}

text_t json_pointer(text_t pointer, text_t name) {
  builder_t builder = {0};
  build(&builder, pointer);
  build_byte(&builder, '/');
  for (size_t at = 0; at < name.len; at++) {
    if (name.ptr[at] == '~') build(&builder, TEXT("~0"));
    else if (name.ptr[at] == '/') build(&builder, TEXT("~1"));
    else build_byte(&builder, name.ptr[at]);
  }
  return built(&builder);
}
