/*
 * payment_scene: a buyer at the till for component tests of payments. PostgreSQL and Redis are real; the reservation
 * service and PortOne are played by a stub that does what `struct world` says and notes there what it was asked.
 */
#ifndef TESTS_SUPPORT_PAYMENT_SCENE_H
#define TESTS_SUPPORT_PAYMENT_SCENE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ctx.h"
#include "src/payment/order.h"
#include "src/payment/payment.h"
#include "tests/support/sale.h"

#define SCENE_WEBHOOK_SECRET "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"

enum confirm_mode { CHARGE, DECLINE, CHARGE_AND_LOSE_ANSWER, REFUSE_SERVICE };

struct world {
    char reservation[40], user[40], schedule[40];
    char reservation_status[16];
    bool seats_gone; /* securing answers HOLD_EXPIRED */
    char secured_by[40];
    enum confirm_mode confirm_mode;
    char record[32]; /* status of PortOne's record; "" = it knows nothing */
    int64_t record_amount;
    bool portone_down;
    int registered, charged, cancelled;
};

struct scene {
    struct ctx *ctx;
    struct world *world;
    struct stub_server *server;
    const char *user, *token, *reservation;
    struct order order; /* of SALE_PRICE, pending */
};

/* Around all tests of a program: the world and a circuit breaker of its own. False: a folder could not be made, or
 * holds at the end what it should not. */
bool scene_open_world(void);
bool scene_close_world(void);
/* Around each test; *state is a struct scene *. */
int scene_set_up(void **state);
int scene_tear_down(void **state);

/* PortOne takes the money, as when the buyer pays in the browser. */
void world_charge(struct world *world);

/* The request that made the scene's order. */
struct order_request scene_order_request(const struct scene *scene);
/* Confirms the scene's order; without `payment_token` it was charged in the browser. */
const struct err *scene_confirm(struct scene *scene, const char *payment_token, struct payment *payment_r);
/* The scene's payment as it stands in the database. */
struct payment scene_payment(struct scene *scene);
/* How many events of this type about the payment are in the outbox. */
int64_t scene_events(struct scene *scene, const char *type);
/* The payment is due now; what nobody paid is given up `give_up_s` seconds from now. */
void scene_make_due(struct scene *scene, int64_t give_up_s);
/* What payment-saga does in a tick. */
void scene_settle_all(struct scene *scene);

#endif
