/* A closed-loop client for the benchmark: each connection sends its next request when the answer to the last is whole.

   load PORT CONNECTIONS SECONDS MOST BODY_FILE [HEADER]

   It ends after SECONDS or MOST requests, whichever is first (MOST 0: no bound); requests that are under way then are
   still awaited. Every "@@@@@@@@" in the body becomes the number of the request in eight digits. An answer counts if it
   is 200 and whole; one of server-sent events also has to end with [DONE]. Prints one JSON object: requests, errors,
   the first wrong status, seconds, and in microseconds p50, p99, mean, and p50 of the time to the first byte of a body. */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define PLACE "@@@@@@@@"
#define TAIL 64

typedef struct {
    int fd, in_body, chunked, status, stream, closes;
    long long left;  /* bytes of the body, or of its chunk, that are still to come; -1: a chunk's size is next */
    long long begun, first;
    char head[16384];
    size_t held;
    char tail[TAIL]; /* the last bytes of the body */
    size_t tail_held;
    const char *rest; /* what of the request is still to be sent */
    size_t rest_size;
    char *request;
} Connection;

static char *body;
static size_t body_size, head_size, request_size;
static char request_head[2048];
static long long *took, *first_byte;
static size_t done, room, errors, sent, most;
static int wrong_status, port, poller;
static long long stop_at;

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void arm(Connection *c, int add) {
    struct epoll_event e = {.events = EPOLLIN | (c->rest_size ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &e);
}

static void connect_one(Connection *c) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int on = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a)) {
        perror("load: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->rest_size = 0;
    arm(c, 1);
}

static int flush_request(Connection *c) {
    while (c->rest_size) {
        ssize_t n = send(c->fd, c->rest, c->rest_size, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        c->rest += n;
        c->rest_size -= (size_t)n;
    }
    return 0;
}

static int begin(Connection *c) {
    if (now_ns() >= stop_at || (most && sent >= most)) return 0;
    char number[32];
    snprintf(number, sizeof number, "%08zu", sent++ % 100000000);
    for (char *at = c->request + head_size; (at = memmem(at, request_size - (size_t)(at - c->request), PLACE, 8));)
        memcpy(at, number, 8);
    c->in_body = c->chunked = c->status = c->stream = c->closes = 0;
    c->held = c->tail_held = 0;
    c->first = 0;
    c->begun = now_ns();
    c->rest = c->request;
    c->rest_size = request_size;
    if (flush_request(c)) return -1;
    if (c->rest_size) arm(c, 0);
    return 1;
}

static void keep_tail(Connection *c, const char *data, size_t size) {
    if (size >= TAIL) {
        memcpy(c->tail, data + size - TAIL, TAIL);
        c->tail_held = TAIL;
        return;
    }
    size_t keep = c->tail_held + size > TAIL ? TAIL - size : c->tail_held;
    memmove(c->tail, c->tail + c->tail_held - keep, keep);
    memcpy(c->tail + keep, data, size);
    c->tail_held = keep + size;
}

static int read_head(Connection *c) {
    c->head[c->held] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (!end) return 0;
    sscanf(c->head, "HTTP/1.1 %d", &c->status);
    c->left = 0;
    for (char *line = c->head; line < end; line = strstr(line, "\r\n") + 2) {
        if (!strncasecmp(line, "content-length:", 15)) c->left = atoll(line + 15);
        if (!strncasecmp(line, "transfer-encoding: chunked", 26)) c->chunked = 1;
        if (!strncasecmp(line, "content-type: text/event-stream", 31)) c->stream = 1;
        if (!strncasecmp(line, "connection: close", 17)) c->closes = 1;
    }
    if (c->chunked) c->left = -1;
    size_t used = (size_t)(end - c->head) + 4;
    memmove(c->head, c->head + used, c->held - used);
    c->held -= used;
    c->in_body = 1;
    return 1;
}

/* Consumes what is in `head`, now bytes of the body; whether the answer is whole. */
static int read_body(Connection *c) {
    size_t at = 0;
    int whole = 0;
    if (!c->first && c->held) c->first = now_ns();
    while (!whole) {
        if (c->chunked && c->left < 0) {
            char *line = memmem(c->head + at, c->held - at, "\r\n", 2);
            if (!line) break;
            long long size = strtoll(c->head + at, NULL, 16);
            if (!size) {
                if (c->held - (size_t)(line - c->head) < 4) break;
                whole = 1;
                break;
            }
            at = (size_t)(line - c->head) + 2;
            c->left = size + 2; /* with its line end */
        }
        size_t here = c->held - at;
        if ((long long)here > c->left) here = (size_t)c->left;
        keep_tail(c, c->head + at, here);
        at += here;
        c->left -= (long long)here;
        if (c->left) break;
        if (!c->chunked) whole = 1;
        else c->left = -1;
    }
    memmove(c->head, c->head + at, c->held - at);
    c->held -= at;
    return whole;
}

static void restore(Connection *c) { memcpy(c->request + head_size, body, body_size); }

static int finish(Connection *c) {
    int good = c->status == 200 && (!c->stream || memmem(c->tail, c->tail_held, "data: [DONE]", 12));
    if (good) {
        if (done < room) {
            took[done] = now_ns() - c->begun;
            first_byte[done] = c->first - c->begun;
        }
        done++;
    } else {
        errors++;
        if (!wrong_status) wrong_status = c->status ? c->status : -1;
    }
    if (c->closes) {
        close(c->fd);
        connect_one(c);
    }
    restore(c);
    return begin(c);
}

static int step(Connection *c) {
    if (c->rest_size) {
        if (flush_request(c)) return -1;
        if (!c->rest_size) arm(c, 0);
    }
    for (;;) {
        ssize_t n = recv(c->fd, c->head + c->held, sizeof c->head - 1 - c->held, 0);
        if (n < 0 && errno == EAGAIN) return 1;
        if (n <= 0) return -1;
        c->held += (size_t)n;
        if (!c->in_body && !read_head(c)) continue;
        if (read_body(c)) {
            int next = finish(c);
            if (next <= 0) return next;
        }
    }
}

static int ascending(const void *a, const void *b) {
    long long x = *(const long long *)a, y = *(const long long *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv) {
    if (argc < 6) return 2;
    port = atoi(argv[1]);
    int count = atoi(argv[2]), open_ones = 0;
    most = strtoul(argv[4], NULL, 10);
    FILE *file = fopen(argv[5], "rb");
    if (!file) return 2;
    fseek(file, 0, SEEK_END);
    body_size = (size_t)ftell(file);
    rewind(file);
    body = malloc(body_size + 1);
    if (fread(body, 1, body_size, file) != body_size) return 2;
    head_size = (size_t)snprintf(request_head, sizeof request_head,
                                 "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: "
                                 "application/json\r\nContent-Length: %zu\r\n%s%s\r\n",
                                 port, body_size, argc > 6 ? argv[6] : "", argc > 6 ? "\r\n" : "");
    request_size = head_size + body_size;
    room = 4000000;
    took = malloc(room * sizeof *took);
    first_byte = malloc(room * sizeof *first_byte);
    poller = epoll_create1(0);
    long long start = now_ns();
    stop_at = start + (long long)(atof(argv[3]) * 1e9);
    Connection *all = calloc((size_t)count, sizeof *all);
    for (int i = 0; i < count; i++) {
        all[i].request = malloc(request_size);
        memcpy(all[i].request, request_head, head_size);
        restore(&all[i]);
        connect_one(&all[i]);
        if (begin(&all[i]) == 1) open_ones++;
    }
    while (open_ones) {
        struct epoll_event ready[256];
        int n = epoll_wait(poller, ready, 256, 180000);
        if (n == 0) {
            errors += (size_t)open_ones;
            break;
        }
        for (int i = 0; i < n; i++) {
            Connection *c = ready[i].data.ptr;
            int going = step(c);
            if (going < 0) {
                errors++;
                close(c->fd);
                restore(c);
                connect_one(c);
                going = begin(c);
            }
            if (going <= 0) open_ones--;
        }
    }
    double seconds = (double)(now_ns() - start) / 1e9, sum = 0;
    size_t kept = done < room ? done : room;
    for (size_t i = 0; i < kept; i++) sum += (double)took[i];
    qsort(took, kept, sizeof *took, ascending);
    qsort(first_byte, kept, sizeof *first_byte, ascending);
    if (!kept) took[0] = first_byte[0] = 0;
    printf("{\"requests\":%zu,\"errors\":%zu,\"wrong_status\":%d,\"seconds\":%.4f,\"p50\":%.1f,\"p99\":%.1f,"
           "\"mean\":%.1f,\"first_byte_p50\":%.1f}\n",
           done, errors, wrong_status, seconds, (double)took[kept / 2] / 1e3,
           (double)took[kept * 99 / 100] / 1e3, kept ? sum / (double)kept / 1e3 : 0.0,
           (double)first_byte[kept / 2] / 1e3);
    return 0;
}
