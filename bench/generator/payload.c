/*
 * What is said, the same for all protocols: a line of the shape that rxchat's relay asks of a token, which tells who said
 * it and as which of its lines, filled up with characters that depend on both, so that a wrong byte shows.
 *
 *   gAAAA  4 characters of publisher  8 of sequence  filler
 */
#include "generator.h"
#include <stdlib.h>
#include <string.h>

enum { HEADER = 17, OFFSETS = 4096 };
static char *filler;

static void put(char *to, int digits, uint32_t value) {
  for (int at = digits - 1; at >= 0; at--, value >>= 4) to[at] = (char)('A' + (value & 15));
}

static uint32_t get(const char *from, int digits) {
  uint32_t value = 0;
  for (int at = 0; at < digits; at++) value = value << 4 | ((uint32_t)(from[at] - 'A') & 15);
  return value;
}

static const char *filler_of(uint32_t publisher, uint32_t sequence) {
  return filler + (publisher * 2654435761u + sequence * 40503u) % OFFSETS;
}

void payload_prepare(void) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t length = OFFSETS + (size_t)options.size;
  filler = malloc(length);
  uint32_t random = 1;
  for (size_t at = 0; at < length; at++) {
    random = random * 1664525u + 1013904223u;
    filler[at] = alphabet[random >> 26];
  }
}

void payload_write(char *to, uint32_t publisher, uint32_t sequence) {
  memcpy(to, "gAAAA", 5);
  put(to + 5, 4, publisher);
  put(to + 9, 8, sequence);
  memcpy(to + HEADER, filler_of(publisher, sequence), (size_t)options.size - HEADER);
}

int payload_read(const char *at, size_t length, uint32_t *publisher, uint32_t *sequence) {
  if (length != (size_t)options.size || memcmp(at, "gAAAA", 5) != 0) return 0;
  *publisher = get(at + 5, 4);
  *sequence = get(at + 9, 8);
  char header[HEADER];
  put(header + 5, 4, *publisher);
  put(header + 9, 8, *sequence);
  return memcmp(header + 5, at + 5, 12) == 0 &&
         memcmp(at + HEADER, filler_of(*publisher, *sequence), length - HEADER) == 0;
}
