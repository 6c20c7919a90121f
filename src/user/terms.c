#include "src/user/terms.h"

#include <string.h>

#include "common/base/array.h"
#include "common/io/limit.h"
#include "sql/user.h"
#include "src/user/user_errors.h"

#define DAY_S 86400
#define DECISIONS_A_DAY 50
#define TERMS_TYPES "SERVICE|PRIVACY|MARKETING"

SHAPE(terms_shape, struct terms,
      {FIELD(struct terms, "type", FIELD_ENUM, type), .flags = FIELD_REQUIRED, .choices = TERMS_TYPES},
      {FIELD(struct terms, "version", FIELD_INT, version), .flags = FIELD_REQUIRED},
      {FIELD(struct terms, "required", FIELD_BOOL, required), .flags = FIELD_REQUIRED},
      {FIELD(struct terms, "title", FIELD_STR, title), .flags = FIELD_REQUIRED},
      {FIELD(struct terms, "body", FIELD_STR, body), .flags = FIELD_REQUIRED});

static const struct field terms_list_fields[] = {
    {FIELD(struct terms_list, "terms", FIELD_LIST, terms), .sub = &terms_shape},
};
const struct shape terms_list_shape = {terms_list_fields, 1, sizeof(struct terms_list), false};

static const struct field agreement_fields[] = {
    {FIELD(struct agreement, "type", FIELD_ENUM, type), .flags = FIELD_REQUIRED, .choices = TERMS_TYPES},
    {FIELD(struct agreement, "version", FIELD_INT, version), .flags = FIELD_REQUIRED, .min = 1, .max = INT32_MAX},
    {FIELD(struct agreement, "agreed", FIELD_BOOL, agreed), .flags = FIELD_REQUIRED},
};
const struct shape agreement_shape = {agreement_fields, ARRAY_COUNT(agreement_fields), sizeof(struct agreement), false};

static const struct field agreements_fields[] = {
    {FIELD(struct agreements, "agreements", FIELD_LIST, agreements), .flags = FIELD_REQUIRED, .min = 1, .max = 10,
     .sub = &agreement_shape},
};
const struct shape agreements_shape = {agreements_fields, 1, sizeof(struct agreements), false};

SHAPE(decision_shape, struct decision,
      {FIELD(struct decision, "type", FIELD_ENUM, type), .flags = FIELD_REQUIRED, .choices = TERMS_TYPES},
      {FIELD(struct decision, "version", FIELD_INT, version), .flags = FIELD_REQUIRED},
      {FIELD(struct decision, "agreed", FIELD_BOOL, agreed), .flags = FIELD_REQUIRED},
      {FIELD(struct decision, "decidedAt", FIELD_TIME, decided_at), .flags = FIELD_REQUIRED});

static const struct field decision_list_fields[] = {
    {FIELD(struct decision_list, "agreements", FIELD_LIST, agreements), .sub = &decision_shape},
};
const struct shape decision_list_shape = {decision_list_fields, 1, sizeof(struct decision_list), false};

const struct err *terms_current(struct ctx *ctx, struct terms_list *terms_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN0(ctx, &sql_user_terms_current, &rows);
    if (e) {
        return e;
    }
    struct terms *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i] = (struct terms){.type = db_str(rows, i, "type"),
                                  .version = db_int(rows, i, "version"),
                                  .required = db_bool(rows, i, "required"),
                                  .title = db_str(rows, i, "title"),
                                  .body = db_str(rows, i, "body")};
    }
    terms_r->terms = (struct json_list){items, db_count(rows)};
    return NULL;
}

/* What `agreements` say about `type`; NULL: nothing. */
static struct agreement *find_decision(const struct json_list *agreements, const char *type, size_t *count_r)
{
    struct agreement *items = agreements->items, *found = NULL;
    *count_r = 0;
    for (size_t i = 0; i < agreements->count; i++) {
        if (strcmp(items[i].type, type) != 0) {
            continue;
        }
        found = &items[i];
        ++*count_r;
    }
    return found;
}

/* `every`: also what nothing is said about must not be required. */
static const struct err *check_one(struct ctx *ctx, const struct terms *terms, const struct json_list *agreements,
                                   bool every)
{
    size_t count;
    struct agreement *made = find_decision(agreements, terms->type, &count);
    if (count > 1) {
        return ctx_invalid(ctx, "agreements", "%s appears twice", terms->type);
    }
    /* Who declines declines what is in force, whatever was shown. */
    if (made && !made->agreed) {
        made->version = terms->version;
    }
    if (made && made->version != terms->version) {
        (void)ctx_invalid(ctx, "agreements", "%s is now version %lld", terms->type, (long long)terms->version);
        return &err_terms_required;
    }
    bool refused = made ? !made->agreed : every;
    if (terms->required && refused) {
        (void)ctx_invalid(ctx, "agreements", "%s must be agreed to", terms->type);
        return &err_terms_required;
    }
    return NULL;
}

/* Of terms of which no version is in force nothing can be decided. */
static const struct err *check_known(struct ctx *ctx, const struct terms_list *current, const struct agreement *made)
{
    const struct terms *terms = current->terms.items;
    for (size_t i = 0; i < current->terms.count; i++) {
        if (strcmp(terms[i].type, made->type) == 0) {
            return NULL;
        }
    }
    return ctx_invalid(ctx, "agreements", "%s is not in force", made->type);
}

static const struct err *check_all(struct ctx *ctx, const struct terms_list *current,
                                   const struct json_list *agreements, bool every)
{
    const struct terms *terms = current->terms.items;
    const struct err *e = NULL;
    for (size_t i = 0; i < current->terms.count && !e; i++) {
        e = check_one(ctx, &terms[i], agreements, every);
    }
    const struct agreement *made = agreements->items;
    for (size_t i = 0; i < agreements->count && !e; i++) {
        e = check_known(ctx, current, &made[i]);
    }
    return e;
}

const struct err *terms_check(struct ctx *ctx, const struct terms_list *current, const struct json_list *agreements)
{
    return check_all(ctx, current, agreements, true);
}

const struct err *terms_store(struct ctx *ctx, const char *user_id, const struct json_list *agreements)
{
    const struct agreement *items = agreements->items;
    const struct err *e = NULL;
    for (size_t i = 0; i < agreements->count && !e; i++) {
        e = DB_RUN(ctx, &sql_user_agreement_insert, NULL, DB_TEXT(user_id), DB_TEXT(items[i].type),
                   DB_INT(items[i].version), DB_BOOL(items[i].agreed));
    }
    return e;
}

const struct err *terms_decisions(struct ctx *ctx, const char *user_id, struct decision_list *list_r)
{
    const struct db_rows *rows;
    const struct err *e = DB_RUN(ctx, &sql_user_agreements, &rows, DB_TEXT(user_id));
    if (e) {
        return e;
    }
    struct decision *items = arena_calloc(ctx->arena, db_count(rows), sizeof *items);
    for (size_t i = 0; i < db_count(rows); i++) {
        items[i] = (struct decision){.type = db_str(rows, i, "type"),
                                     .version = db_int(rows, i, "version"),
                                     .agreed = db_bool(rows, i, "agreed"),
                                     .decided_at = db_time(rows, i, "decided_at")};
    }
    list_r->agreements = (struct json_list){items, db_count(rows)};
    return NULL;
}

struct decide_work {
    const char *user_id;
    const struct json_list *agreements;
};

static const struct err *store_decisions(struct ctx *ctx, void *arg)
{
    const struct decide_work *work = arg;
    return terms_store(ctx, work->user_id, work->agreements);
}

static bool agrees(const struct json_list *agreements)
{
    const struct agreement *items = agreements->items;
    for (size_t i = 0; i < agreements->count; i++) {
        if (items[i].agreed) {
            return true;
        }
    }
    return false;
}

const struct err *terms_decide(struct ctx *ctx, const char *user_id, const struct json_list *agreements)
{
    struct terms_list current;
    struct decide_work work = {user_id, agreements};
    const struct err *e = terms_current(ctx, &current);
    e = e ? e : check_all(ctx, &current, agreements, false);
    /* What is decided is kept for ever; who only withdraws is never refused. */
    if (!e && agrees(agreements)) {
        e = limit_take(ctx, &(struct limit){"agreements", DECISIONS_A_DAY, DAY_S}, user_id);
    }
    return e ? e : db_transact(ctx, store_decisions, &work);
}
