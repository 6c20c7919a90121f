#include "src/payment/payment_state.h"

#include <string.h>

#include "common/base/array.h"
#include "common/base/log.h"

const struct payment_transition payment_transitions[] = {
    {PAYMENT_PENDING, PAYMENT_ON_PAID, PAYMENT_SUCCESS},
    {PAYMENT_PENDING, PAYMENT_ON_FAILED, PAYMENT_FAILED},
    {PAYMENT_SUCCESS, PAYMENT_ON_REFUNDED, PAYMENT_REFUNDED},
};
const size_t payment_transition_count = ARRAY_COUNT(payment_transitions);

static const char *const status_names[PAYMENT_STATUS__MAX] = {
    [PAYMENT_PENDING] = "PENDING",
    [PAYMENT_SUCCESS] = "SUCCESS",
    [PAYMENT_FAILED] = "FAILED",
    [PAYMENT_REFUNDED] = "REFUNDED",
};

static const struct {
    const char *name;
    bool of[PAYMENT_STATUS__MAX];
} questions[QUESTION__MAX] = {
    [QUESTION_NONE] = {NULL, {[PAYMENT_SUCCESS] = true, [PAYMENT_FAILED] = true, [PAYMENT_REFUNDED] = true}},
    [QUESTION_PAID] = {"PAID", {[PAYMENT_PENDING] = true}},
    [QUESTION_CHARGED] = {"CHARGED", {[PAYMENT_PENDING] = true}},
    [QUESTION_LATE] = {"LATE", {[PAYMENT_FAILED] = true}},
    [QUESTION_TAKEN_BACK] = {"TAKEN_BACK", {[PAYMENT_SUCCESS] = true}},
    [QUESTION_REFUND] = {"REFUND", {[PAYMENT_SUCCESS] = true, [PAYMENT_FAILED] = true}},
};

/* Before and after the question's end. */
static const enum payment_step steps[QUESTION__MAX][EVIDENCE__MAX][2] =
    {
        [QUESTION_PAID] =
            {
                [EVIDENCE_SILENT] = {STEP_AGAIN, STEP_AGAIN},
                [EVIDENCE_UNPAID] = {STEP_AGAIN, STEP_FAIL},
                [EVIDENCE_DECLINED] = {STEP_AGAIN, STEP_FAIL},
                [EVIDENCE_OPEN] = {STEP_AGAIN, STEP_CLOSE},
                [EVIDENCE_PAID] = {STEP_SUCCEED, STEP_SUCCEED},
                [EVIDENCE_MISMATCH] = {STEP_RETURN, STEP_RETURN},
                [EVIDENCE_PARTLY_BACK] = {STEP_RETURN, STEP_RETURN},
                [EVIDENCE_BACK] = {STEP_END, STEP_END},
            },
        [QUESTION_CHARGED] =
            {
                [EVIDENCE_SILENT] = {STEP_AGAIN, STEP_LET_GO},
                [EVIDENCE_UNPAID] = {STEP_AGAIN, STEP_LET_GO},
                [EVIDENCE_DECLINED] = {STEP_AGAIN, STEP_LET_GO}, /* perhaps an earlier card's */
                [EVIDENCE_OPEN] = {STEP_AGAIN, STEP_LET_GO},
                [EVIDENCE_PAID] = {STEP_SUCCEED, STEP_SUCCEED},
                [EVIDENCE_MISMATCH] = {STEP_RETURN, STEP_RETURN},
                [EVIDENCE_PARTLY_BACK] = {STEP_RETURN, STEP_RETURN},
                [EVIDENCE_BACK] = {STEP_END, STEP_END},
            },
        [QUESTION_LATE] =
            {
                [EVIDENCE_SILENT] = {STEP_AGAIN, STEP_AGAIN},
                [EVIDENCE_UNPAID] = {STEP_AGAIN, STEP_REST},
                [EVIDENCE_DECLINED] = {STEP_AGAIN, STEP_REST},
                [EVIDENCE_OPEN] = {STEP_AGAIN, STEP_AGAIN},
                [EVIDENCE_PAID] = {STEP_REFUND, STEP_REFUND},
                [EVIDENCE_MISMATCH] = {STEP_REFUND, STEP_REFUND},
                [EVIDENCE_PARTLY_BACK] = {STEP_REFUND, STEP_REFUND},
                [EVIDENCE_BACK] = {STEP_REST, STEP_REST},
            },
        [QUESTION_TAKEN_BACK] =
            {
                [EVIDENCE_SILENT] = {STEP_AGAIN, STEP_AGAIN},
                [EVIDENCE_UNPAID] = {STEP_ODD, STEP_ODD},
                [EVIDENCE_DECLINED] = {STEP_ODD, STEP_ODD},
                [EVIDENCE_OPEN] = {STEP_ODD, STEP_ODD},
                [EVIDENCE_PAID] = {STEP_REST, STEP_REST},
                [EVIDENCE_MISMATCH] = {STEP_ODD, STEP_ODD},
                [EVIDENCE_PARTLY_BACK] = {STEP_NOTE, STEP_NOTE},
                [EVIDENCE_BACK] = {STEP_TAKEN_BACK, STEP_TAKEN_BACK},
            },
        [QUESTION_REFUND] =
            {
                [EVIDENCE_SILENT] = {STEP_AGAIN, STEP_AGAIN},
                [EVIDENCE_UNPAID] = {STEP_ODD, STEP_ODD},
                [EVIDENCE_DECLINED] = {STEP_ODD, STEP_ODD},
                [EVIDENCE_OPEN] = {STEP_AGAIN, STEP_AGAIN},
                [EVIDENCE_PAID] = {STEP_GIVE_BACK, STEP_GIVE_BACK},
                [EVIDENCE_MISMATCH] = {STEP_GIVE_BACK, STEP_GIVE_BACK},
                [EVIDENCE_PARTLY_BACK] = {STEP_GIVE_BACK, STEP_GIVE_BACK},
                [EVIDENCE_BACK] = {STEP_REFUNDED, STEP_REFUNDED},
            },
};

bool payment_next(enum payment_status from, enum payment_event event, enum payment_status *to_r)
{
    for (size_t i = 0; i < payment_transition_count; i++) {
        if (payment_transitions[i].from == from && payment_transitions[i].event == event) {
            *to_r = payment_transitions[i].to;
            return true;
        }
    }
    return false;
}

const char *payment_status_name(enum payment_status status)
{
    return status_names[status];
}

enum payment_status payment_status_of(const char *name)
{
    for (int i = 0; i < PAYMENT_STATUS__MAX; i++) {
        if (name && strcmp(status_names[i], name) == 0) {
            return (enum payment_status)i;
        }
    }
    log_panic("unknown payment status '%s'", name ? name : "");
}

const char *payment_question_name(enum payment_question question)
{
    return questions[question].name;
}

enum payment_question payment_question_of(const char *name)
{
    if (!name) {
        return QUESTION_NONE;
    }
    for (int i = QUESTION_NONE + 1; i < QUESTION__MAX; i++) {
        if (strcmp(questions[i].name, name) == 0) {
            return (enum payment_question)i;
        }
    }
    log_panic("unknown question '%s' about a payment", name);
}

bool payment_may_be_asked(enum payment_status status, enum payment_question question)
{
    return questions[question].of[status];
}

enum payment_step payment_step(enum payment_question question, enum evidence evidence, bool over)
{
    if (question == QUESTION_NONE) {
        log_panic("a payment was taken up that nothing is asked about");
    }
    return steps[question][evidence][over];
}
