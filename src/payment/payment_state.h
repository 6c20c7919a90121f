/*
 * payment_state: the life of a payment as two tables (PAY-003; docs/payment.md shows them as a picture).
 *
 * A payment has a status, and a question: what PortOne is asked about it next. PortOne's record is the evidence;
 * question and evidence lead to one step. Neither the buyer's word nor a webhook decides about a payment. Of the calls
 * that move something only a clear word counts: a charge that was refused, seats that are gone, a cancellation that has
 * succeeded. The tables payment_transitions and the constraint payments_question in PostgreSQL refuse everything that
 * is not listed here; tests compare them.
 */
#ifndef PAYMENT_PAYMENT_STATE_H
#define PAYMENT_PAYMENT_STATE_H

#include <stdbool.h>
#include <stddef.h>

enum payment_status { PAYMENT_PENDING, PAYMENT_SUCCESS, PAYMENT_FAILED, PAYMENT_REFUNDED, PAYMENT_STATUS__MAX };

enum payment_event {
    PAYMENT_ON_PAID,     /* PortOne's record proves it */
    PAYMENT_ON_FAILED,   /* it will not be paid, or not as agreed */
    PAYMENT_ON_REFUNDED, /* PortOne has given the money back */
};

struct payment_transition {
    enum payment_status from;
    enum payment_event event;
    enum payment_status to;
};

extern const struct payment_transition payment_transitions[];
extern const size_t payment_transition_count;

/* Whether `event` may happen to a payment in `from`; if so *to_r is where it leads. */
bool payment_next(enum payment_status from, enum payment_event event, enum payment_status *to_r);
/* "PENDING" */
const char *payment_status_name(enum payment_status status);
/* Panics for a text that the table's CHECK does not let in. */
enum payment_status payment_status_of(const char *name);

enum payment_question {
    QUESTION_NONE,    /* nothing is left to ask */
    QUESTION_PAID,    /* PENDING: has the buyer paid? The hold alone keeps the seats. Ends when it is given up */
    QUESTION_CHARGED, /* PENDING: has our charge gone through? The seats are secured. Ends when the call is surely over
                       */
    QUESTION_LATE,    /* FAILED: was it charged all the same? Ends after BOX_PAYMENT_LATE_S */
    QUESTION_TAKEN_BACK, /* SUCCESS: has somebody taken the charge back at PortOne? */
    QUESTION_REFUND,     /* SUCCESS, FAILED: the money must go back; has it? */
    QUESTION__MAX,
};

/* NULL for QUESTION_NONE, else "PAID". */
const char *payment_question_name(enum payment_question question);
/* NULL is QUESTION_NONE. Panics for a text that the table's CHECK does not let in. */
enum payment_question payment_question_of(const char *name);
/* Whether a payment in this status may be asked this. */
bool payment_may_be_asked(enum payment_status status, enum payment_question question);

/* What PortOne's record shows. */
enum evidence {
    EVIDENCE_SILENT,      /* PortOne cannot be asked now */
    EVIDENCE_UNPAID,      /* nobody has paid; it could still happen */
    EVIDENCE_DECLINED,    /* the last attempt failed; another card may be tried under the same id */
    EVIDENCE_OPEN,        /* something that may charge by itself: an approval or a transfer that is awaited */
    EVIDENCE_PAID,        /* charged as agreed */
    EVIDENCE_MISMATCH,    /* charged, but not as agreed */
    EVIDENCE_PARTLY_BACK, /* charged, and a part was given back */
    EVIDENCE_BACK,        /* charged, and given back */
    EVIDENCE__MAX,
};

enum payment_step {
    STEP_AGAIN,      /* asked again after a growing pause */
    STEP_LET_GO,     /* our charge did not happen: the seats are no longer secured, and the question is PAID */
    STEP_SUCCEED,    /* the seats are secured, then SUCCESS; without seats STEP_RETURN */
    STEP_FAIL,       /* FAILED; the question is LATE */
    STEP_CLOSE,      /* what may still charge is cancelled at PortOne, then FAILED */
    STEP_END,        /* FAILED, and nothing is left to ask */
    STEP_RETURN,     /* FAILED; the money goes back */
    STEP_REFUND,     /* the money goes back */
    STEP_GIVE_BACK,  /* PortOne is told to give the money back */
    STEP_REFUNDED,   /* it has; a SUCCESS becomes REFUNDED */
    STEP_TAKEN_BACK, /* the same, and nobody here had asked for it: the operator is told */
    STEP_NOTE,       /* a part was taken back: noted, and the operator is told */
    STEP_REST,       /* nothing is left to ask */
    STEP_ODD,        /* cannot be: the operator is told, and it is asked again */
};

/* What evidence means for a question, not QUESTION_NONE; `over`: the question has ended. */
enum payment_step payment_step(enum payment_question question, enum evidence evidence, bool over);

#endif
