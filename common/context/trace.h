/*
 * trace: the identity of one flow of work across processes (W3C Trace Context, GW-009).
 *
 * The 32-hex trace id is what X-Trace-Id, log lines, event envelopes and error bodies carry.
 */
#ifndef COMMON_TRACE_H
#define COMMON_TRACE_H

#define TRACE_ID_SIZE 33
#define TRACE_SPAN_SIZE 17
#define TRACE_PARENT_SIZE 56

struct trace {
    char id[TRACE_ID_SIZE];     /* 32 lower-case hex digits, not all zero */
    char span[TRACE_SPAN_SIZE]; /* our own span in that trace; empty until it is asked for */
    unsigned flags;             /* 0x01 sampled, 0x02 random */
};

/* Continues a valid `traceparent`; else takes over `trace_id` when it is 32 hex digits or a UUID; else starts a new
 * trace. Both may be NULL. Malformed input is ignored, as the standard says. */
void trace_start(struct trace *trace, const char *traceparent, const char *trace_id);
/* The header for an outgoing call: same trace, our span as parent. Returns out. */
char *trace_parent(struct trace *trace, char out[TRACE_PARENT_SIZE]);

#endif
