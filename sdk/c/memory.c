// The part of the C library that plugins have, so that a component is a few KB and imports nothing but the contract.
//
// Memory is a stack that is emptied at the start of every call: nothing has to be freed, and nothing that was allocated lives
// longer than the call. `free` gives back what was allocated last, and does nothing about anything else, such as a literal.

#include "hookyard.h"

#define PAGE 65536
#define ALIGN 8

extern unsigned char __heap_base;

// Both are numbers of a byte; 0 before the first allocation.
static size_t top;
static size_t last;

static size_t rounded(size_t size) { return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1); }

// The size of what was allocated last stands in the header before it, as that of everything does for `realloc`.
typedef struct { size_t size; size_t before; } header;

void hookyard_begin(void) {
  top = rounded((size_t)&__heap_base);
  last = 0;
}

memory_mark_t memory_mark(void) {
  if (top == 0) hookyard_begin();
  return (memory_mark_t){top, last};
}

void memory_release(memory_mark_t mark) {
  top = mark.top;
  last = mark.last;
}

void *malloc(size_t size) {
  if (top == 0) hookyard_begin();
  size_t start = top + sizeof(header);
  size_t end = start + rounded(size);
  if (size > (size_t)-1 - PAGE || end < start) abort();
  size_t have = (size_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end > have || have == 0) {
    // A memory that was refused is the host's to tell from other traps.
    if (__builtin_wasm_memory_grow(0, (end - have + PAGE - 1) / PAGE) == (size_t)-1) abort();
  }
  header *mine = (header *)top;
  mine->size = size;
  mine->before = last;
  top = end;
  last = start;
  return (void *)start;
}

void free(void *memory) {
  if (memory == NULL || (size_t)memory != last) return;
  header *mine = (header *)last - 1;
  top = (size_t)mine;
  last = mine->before;
}

void *realloc(void *memory, size_t size) {
  if (memory == NULL) return malloc(size);
  size_t before = ((header *)memory - 1)->size;
  if ((size_t)memory == last) {
    // The last one grows and shrinks in its place.
    free(memory);
    return malloc(size);
  }
  if (size <= before) return memory;
  void *grown = malloc(size);
  memcpy(grown, memory, before);
  return grown;
}

_Noreturn void abort(void) { __builtin_trap(); }

// Loops that the compiler must not turn into calls of the functions they are.
#define LOOP __attribute__((no_builtin))

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
  return __builtin_memcpy(to, from, length);
}

void *memmove(void *to, const void *from, size_t length) { return __builtin_memmove(to, from, length); }

void *memset(void *to, int byte, size_t length) { return __builtin_memset(to, byte, length); }

LOOP int memcmp(const void *left, const void *right, size_t length) {
  const unsigned char *l = left, *r = right;
  for (size_t at = 0; at < length; at++)
    if (l[at] != r[at]) return l[at] - r[at];
  return 0;
}

LOOP size_t strlen(const char *text) {
  size_t length = 0;
  while (text[length]) length++;
  return length;
}
