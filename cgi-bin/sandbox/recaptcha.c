/* reCAPTCHA v2: https://developers.google.com/recaptcha/docs/verify */
#include "cgi-bin/sandbox/faults.h"
#include "cgi-bin/sandbox/portone_view.h"
#include "cgi-bin/sandbox/sandbox.h"
#include "src/sandbox/sandbox_captcha.h"

#define TOKEN_MAX 8192

struct form {
    const char *secret;
    const char *response;
};

SHAPE_OPEN(form_shape, struct form, {FIELD(struct form, "secret", FIELD_STR, secret)},
           {FIELD(struct form, "response", FIELD_STR, response), .max = TOKEN_MAX});

static void write_verdict(struct reply *rp, const struct sandbox_captcha *captcha)
{
    struct json_out *out = reply_json(rp, 200);
    json_open_object(out, NULL);
    json_add_bool(out, "success", captcha->error == NULL);
    if (captcha->error == NULL) {
        portone_view_time(out, "challenge_ts", captcha->solved_at);
        json_add_str(out, "hostname", captcha->hostname);
    } else {
        json_open_array(out, "error-codes");
        json_add_str(out, NULL, captcha->error);
        json_close_array(out);
    }
    json_close_object(out);
}

static const struct err *verify(struct request *rq, struct reply *rp)
{
    void *read;
    struct sandbox_captcha captcha = {.error = "bad-request"};
    if (json_read_query(rq->ctx, rq->raw, &form_shape, &read) == NULL) {
        const struct form *form = read;
        const struct err *e = sandbox_captcha_verify(rq->ctx, form->secret, form->response, &captcha);
        if (e) {
            return e;
        }
    }
    write_verdict(rp, &captcha);
    return NULL;
}

const struct err *sandbox_handle_siteverify(struct request *rq, struct reply *rp)
{
    struct strike strike;
    const struct err *e = fault_begin(rq, rp, "recaptcha", "siteverify", &strike);
    if (e || strike.over) {
        return e;
    }
    e = verify(rq, rp);
    if (!e) {
        fault_end(rq, rp, &strike);
    }
    return e;
}
