/* A load generator for relays and brokers that hand on what one says to all who listen. See main.c. */
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stddef.h>
#include <stdint.h>

struct room;

struct connection {
  int fd, number;
  uint8_t subscribes, joined, wants_write, diverged;
  struct room *room;
  uint32_t waiting; /* the protocol's own */
  char last[64];           /* the protocol's own */
  char *rest;              /* the beginning of a frame that is not all here */
  size_t rest_length, rest_capacity;
  char *out; /* what the socket did not take yet, from out_sent on */
  size_t out_length, out_sent, out_capacity;
  uint64_t cursor, frame; /* where it is in its room's transcript: byte and frame */
  uint32_t *expected;     /* the next sequence number of each publisher, once diverged */
};

struct publisher {
  int number;
  uint32_t next;
  struct room *room;
  struct connection *connection;
};

struct frame_end {
  uint64_t end; /* byte of the transcript behind the frame */
  uint32_t publisher, sequence;
};

/* What the room's subscribers got so far, as the first of them got it: the others are compared with it by the block. */
struct room {
  int number, subscribers, publisher_count;
  struct publisher **publishers;
  struct connection **members;
  char *bytes; /* a ring, mapped twice in a row, so that each part of it is contiguous */
  uint64_t capacity, head, frame_capacity, frame_head;
  uint64_t tail, frame_tail; /* all are at least there */
  struct frame_end *frames;
  uint32_t *heard; /* the next sequence number of each publisher, behind the transcript */
  uint64_t sent, delivered;
  struct room *next_heard; /* of those in which something arrived since they were last refilled */
  int is_heard;
};

struct frame {
  const char *payload; /* NULL: nothing that somebody said */
  size_t payload_length;
};

struct protocol {
  const char *name;
  int separate;  /* who subscribes cannot publish, or does not hear itself: others publish */
  int by_frames; /* what subscribers get is framed differently for each: no use in comparing blocks */
  void (*open)(struct connection *);
  /* The length of the frame that begins there, 0 where it is not all here. Answers what wants an answer. */
  size_t (*frame)(struct connection *, const char *at, size_t length, struct frame *);
  void (*publish)(struct connection *, const struct room *, const char *payload, size_t length);
};

enum { PROCESSES = 16 };
struct numbers {
  int count, at[PROCESSES];
};

struct options {
  const struct protocol *protocol;
  struct numbers ports, pids; /* of the servers that share the rooms; the members of a room are dealt out to them in turn */
  int subscribers, publishers, rooms, size, window, lines, concurrency, warm, sleeps, server_core, own_core;
  double rate, warmup, seconds, settle, patience;
};
extern struct options options;

/* options.c */
_Noreturn void fail(const char *what);
void read_options(int count, char **words);

/* work.c */
extern struct connection *connections;
extern struct publisher *publishers;
extern struct room *rooms;
extern int connection_count;
struct connection *connection_numbered(int number);
void prepare(void);
void refill(struct room *);
double say_what_is_due(double time); /* when the next line is due */
uint64_t delivered(void);
int all_arrived(void);
int all_said(void);

/* connection.c */
void queue(struct connection *, const void *bytes, size_t length);
void queue_text(struct connection *, const char *format, ...) __attribute__((format(printf, 2, 3)));
void flush(struct connection *);
void connect_to_server(struct connection *);
void watch_signer(void);
int wait_for_sockets(double seconds);
void ask_signature(struct connection *, const char *nonce);

/* protocols */
const struct protocol *protocol_named(const char *name);
extern const struct protocol lines, rxchat, redis, redis_streams, nats, jetstream, mqtt, irc, websocket;
size_t line_length(const char *at, size_t length); /* with its end; 0 where it is not all here */
int begins(const char *at, size_t length, const char *with);

/* verifier.c */
void transcript_open(struct room *, uint64_t capacity); /* a power of two */
void member_open(struct connection *);
int has_all(const struct connection *);
size_t verify(struct connection *, const char *at, size_t length);
void fault(const struct connection *, const char *what);
extern const char *first_fault;
extern int diverged_count;
extern struct room *heard_rooms;

/* payload.c */
void payload_prepare(void);
void payload_write(char *to, uint32_t publisher, uint32_t sequence);
int payload_read(const char *at, size_t length, uint32_t *publisher, uint32_t *sequence);

/* measure.c */
double now(void);
double process_cpu(int pid);
double server_cpu(void);
double core_busy(int core); /* -1: all cores */
double own_cpu(void);
long process_memory(int pid);
long server_memory(void);
void latency_record(double seconds);
double latency_percentile(double share);
/* At a fixed rate: since when there are messages, and those of which time are measured. */
extern struct schedule {
  double began, from, until;
} schedule;

#endif
