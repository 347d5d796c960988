/* What the kernel says of the server and of this process, and the latencies. */
#define _GNU_SOURCE
#include "generator.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct schedule schedule;

double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

double own_cpu(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t contents(const char *path, char *to, size_t capacity) {
  FILE *file = fopen(path, "r");
  size_t length = file ? fread(to, 1, capacity - 1, file) : 0;
  if (file) fclose(file);
  to[length] = 0;
  return length;
}

/* User and system seconds of all threads of a process, the ended ones too; in hundredths, as the kernel counts them. */
double process_cpu(int pid) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  if (!contents(path, text, sizeof text)) return 0;
  unsigned long user = 0, kernel = 0;
  const char *behind_name = strrchr(text, ')');
  if (!behind_name ||
      sscanf(behind_name + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
    return 0;
  return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

double server_cpu(void) {
  double sum = 0;
  for (int at = 0; at < options.pids.count; at++) sum += process_cpu(options.pids.at[at]);
  return sum;
}

long process_memory(int pid) {
  char path[64], text[8192];
  long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", pid);
  if (!contents(path, text, sizeof text)) return 0;
  const char *at = strstr(text, "VmRSS:");
  if (at) sscanf(at, "VmRSS: %ld", &kib);
  return kib;
}

long server_memory(void) {
  long sum = 0;
  for (int at = 0; at < options.pids.count; at++) sum += process_memory(options.pids.at[at]);
  return sum;
}

/* Seconds that a core was not idle, whoever used it. */
double core_busy(int core) {
  static char text[65536];
  char name[16];
  unsigned long value[8] = {0};
  contents("/proc/stat", text, sizeof text);
  snprintf(name, sizeof name, "\ncpu%d ", core);
  const char *at = core < 0 ? text : strstr(text, name);
  if (at)
    sscanf(strchr(at, ' '), "%lu %lu %lu %lu %lu %lu %lu %lu", value, value + 1, value + 2, value + 3, value + 4,
           value + 5, value + 6, value + 7);
  return (double)(value[0] + value[1] + value[2] + value[5] + value[6]) / (double)sysconf(_SC_CLK_TCK);
}

/* A histogram of microseconds: each power of two in 64 steps, so that a percentile is right to under 2 %. */
enum { STEPS = 64, POWERS = 32 };
static uint64_t histogram[POWERS * STEPS], recorded;

void latency_record(double seconds) {
  uint64_t micros = seconds <= 0 ? 0 : (uint64_t)(seconds * 1e6);
  if (micros > 0xffffffff) micros = 0xffffffff;
  unsigned power = 0;
  while (micros >> power >= 2 * STEPS) power++;
  size_t at = power * STEPS + (micros >> power);
  histogram[at < POWERS * STEPS ? at : POWERS * STEPS - 1] ++;
  recorded ++;
}

double latency_percentile(double share) {
  uint64_t seen = 0, wanted = (uint64_t)(share * (double)recorded);
  if (recorded == 0) return 0;
  for (size_t at = 0; at < POWERS * STEPS; at++) {
    seen += histogram[at];
    if (seen <= wanted) continue;
    size_t power = at < 2 * STEPS ? 0 : at / STEPS - 1;
    return (double)((at - power * STEPS) << power) / 1e3;
  }
  return 0;
}
