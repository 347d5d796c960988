/*
 * Whether every subscriber got every line, unchanged and in order.
 *
 * The first subscriber that gets something new has it parsed and checked (the next sequence number of its publisher, each
 * byte), and then it is the room's transcript. What the others get is compared with the transcript, by the block: equal
 * bytes are as right as what was checked. That is what lets the generator keep up with any server and check every byte.
 * Who differs in a frame has it parsed: a control is nothing; another order of publishers is "no total order", and that
 * subscriber is checked by itself from there on; everything else is a fault.
 */
#define _GNU_SOURCE
#include "generator.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const char *first_fault;
int diverged_count;
struct room *heard_rooms;

void fault(const struct connection *connection, const char *what) {
  static char text[128];
  if (first_fault) return;
  snprintf(text, sizeof text, "subscriber %d: %s", connection->number, what);
  for (char *at = text; *at; at++)
    if (*at == '"' || *at == '\\' || *at < ' ') *at = '?'; /* it is printed as JSON */
  first_fault = text;
}

void transcript_open(struct room *room, uint64_t capacity) {
  int file = memfd_create("transcript", 0);
  room->capacity = capacity;
  if (file < 0 || ftruncate(file, (off_t)capacity)) fail("no memory for the transcript");
  room->bytes = mmap(NULL, 2 * capacity, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (size_t half = 0; half < 2; half++)
    if (room->bytes == MAP_FAILED || mmap(room->bytes + half * capacity, capacity, PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
      fail("no memory for the transcript");
  close(file);
  room->frame_capacity = capacity / 128;
  room->frames = calloc(room->frame_capacity, sizeof *room->frames);
  room->heard = calloc((size_t)room->publisher_count, sizeof *room->heard);
}

static struct frame_end *frame_at(struct room *room, uint64_t frame) {
  return &room->frames[frame & (room->frame_capacity - 1)];
}

/* Which of the room's publishers that is; they are numbered in turn over the rooms. */
static int place_of(const struct room *room, uint32_t publisher) {
  int place = (int)publisher / options.rooms;
  return (int)publisher % options.rooms == room->number && place < room->publisher_count ? place : -1;
}

static void got(struct connection *connection, const struct frame_end *frame, double time) {
  struct room *room = connection->room;
  room->delivered++;
  if (!room->is_heard) {
    room->is_heard = 1;
    room->next_heard = heard_rooms;
    heard_rooms = room;
  }
  if (options.rate == 0) return;
  double due = schedule.began + ((double)frame->sequence * options.publishers + frame->publisher) / options.rate;
  if (due >= schedule.from && due < schedule.until) latency_record(time - due);
}

/* What each publisher says next as this subscriber has it, which is known from the transcript until they part. */
static void part(struct connection *connection) {
  struct room *room = connection->room;
  size_t length = (size_t)room->publisher_count * sizeof(uint32_t);
  connection->expected = memcpy(malloc(length), room->heard, length);
  for (uint64_t frame = room->frame_head; frame > connection->frame; frame--) {
    const struct frame_end *end = frame_at(room, frame - 1);
    connection->expected[place_of(room, end->publisher)] = end->sequence;
  }
  connection->diverged = 1;
}

void member_open(struct connection *connection) {
  if (options.protocol->by_frames) part(connection);
}

int has_all(const struct connection *connection) {
  const struct room *room = connection->room;
  const uint32_t *next = connection->diverged ? connection->expected : room->heard;
  if (!connection->diverged && connection->frame < room->frame_head) return 0;
  for (int place = 0; place < room->publisher_count; place++)
    if (next[place] != room->publishers[place]->next) return 0;
  return 1;
}

static void make_place(struct room *room, size_t length) {
  for (int again = 0; again < 2; again++) {
    if (room->head + length - room->tail <= room->capacity && room->frame_head - room->frame_tail < room->frame_capacity)
      return;
    room->tail = room->head;
    room->frame_tail = room->frame_head;
    for (int at = 0; at < room->subscribers; at++) {
      const struct connection *member = room->members[at];
      if (member->diverged || member->cursor >= room->tail) continue;
      room->tail = member->cursor;
      room->frame_tail = member->frame;
    }
  }
  fail("a subscriber is too far behind the others to be compared with them");
}

static void check(struct connection *connection, const char *at, size_t length, const struct frame *frame, double time) {
  struct room *room = connection->room;
  struct frame_end end;
  int place = -1;
  if (payload_read(frame->payload, frame->payload_length, &end.publisher, &end.sequence))
    place = place_of(room, end.publisher);
  if (place < 0) return fault(connection, "got what nobody said");
  int first = !connection->diverged && connection->cursor == room->head;
  if (!connection->diverged && !first) {
    part(connection);
    diverged_count++;
  }
  uint32_t *next = first ? &room->heard[place] : &connection->expected[place];
  if (end.sequence != *next)
    return fault(connection, end.sequence < *next ? "got a line twice, or late" : "missed a line");
  ++*next;
  got(connection, &end, time);
  if (!first) return;
  make_place(room, length);
  memcpy(room->bytes + (room->head & (room->capacity - 1)), at, length);
  connection->cursor = room->head += length;
  end.end = room->head;
  *frame_at(room, room->frame_head++) = end;
  connection->frame = room->frame_head;
}

/* How much of it is as the transcript has it, in whole frames. */
static size_t same(struct connection *connection, const char *at, size_t length, double time) {
  struct room *room = connection->room;
  uint64_t began = connection->cursor;
  const char *there = room->bytes + (began & (room->capacity - 1));
  size_t common = length < room->head - began ? length : room->head - began;
  int all = memcmp(at, there, common) == 0;
  while (connection->frame < room->frame_head) {
    const struct frame_end *frame = frame_at(room, connection->frame);
    size_t from = connection->cursor - began, to = frame->end - began;
    if (to > common || (!all && memcmp(at + from, there + from, to - from) != 0)) break;
    connection->cursor = frame->end;
    connection->frame++;
    got(connection, frame, time);
  }
  return connection->cursor - began;
}

size_t verify(struct connection *connection, const char *at, size_t length) {
  double time = options.rate == 0 ? 0 : now();
  size_t used = 0;
  while (used < length && !first_fault) {
    if (connection->subscribes && !connection->diverged && connection->cursor < connection->room->head) {
      used += same(connection, at + used, length - used, time);
      if (used == length) break;
    }
    struct frame frame = {0};
    size_t next = options.protocol->frame(connection, at + used, length - used, &frame);
    if (next == 0) break;
    if (frame.payload && connection->subscribes) check(connection, at + used, next, &frame, time);
    used += next;
  }
  return used;
}
