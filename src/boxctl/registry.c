#include "src/boxctl/registry.h"

#include "common/auth/jwks.h"
#include "common/auth/service_key.h"
#include "common/auth/token.h"
#include "common/io/event.h"
#include "common/io/idempotency.h"
#include "common/io/kafka.h"
#include "common/io/outbox.h"
#include "common/io/redis.h"
#include "common/io/smtp.h"
#include "sql/backlog.h"
#include "sql/email.h"
#include "sql/ending.h"
#include "sql/event.h"
#include "sql/idempotency.h"
#include "sql/mail.h"
#include "sql/mailer.h"
#include "sql/messages.h"
#include "sql/outbox.h"
#include "sql/payment.h"
#include "sql/reconcile.h"
#include "sql/reservation.h"
#include "sql/retention.h"
#include "sql/seat.h"
#include "sql/seed.h"
#include "sql/user.h"
#include "sql/user_admin.h"
#include "sql/user_reseal.h"
#include "sql/venue.h"
#include "src/boxctl/settings.h"
#include "src/contract/schedule.h"
#include "src/event/event_settings.h"
#include "src/event/reconcile.h"
#include "src/payment/payment_settings.h"
#include "src/providers/oauth.h"
#include "src/providers/portone.h"
#include "src/providers/recaptcha.h"
#include "src/queue/queue_settings.h"
#include "src/reservation/reservation_settings.h"
#include "src/sandbox/sandbox_settings.h"
#include "src/user/ending.h"
#include "src/user/mailer.h"
#include "src/user/user_settings.h"

const struct cfg_section *const registry_sections[] = {
    &cfg_process_section,
    &cfg_db_section,
    &cfg_redis_section,
    &cfg_kafka_section,
    &cfg_outbox_section,
    &cfg_token_section,
    &cfg_token_life_section,
    &cfg_jwks_section,
    &cfg_internal_section,
    &cfg_caller_section,
    &cfg_accepted_section,
    &cfg_schedule_section,
    &cfg_portone_section,
    &cfg_portone_webhook_section,
    &cfg_recaptcha_section,
    &cfg_oauth_section,
    &cfg_user_section,
    &cfg_pii_section,
    &cfg_blind_section,
    &cfg_ending_section,
    &cfg_smtp_section,
    &cfg_mailer_section,
    &cfg_event_section,
    &cfg_reconcile_section,
    &queue_settings_section,
    &reservation_settings_section,
    &ticket_settings_section,
    &payment_settings_section,
    &cfg_sandbox_section,
    &cfg_boxctl_section,
    NULL,
};

const struct registry_row registry_statements[] = {
    {.table = &messages_statements},    {.table = &idempotency_statements, .also = "payment_service"},
    {.table = &outbox_statements},      {.table = &user_statements},
    {.table = &user_admin_statements},  {.table = &user_reseal_statements},
    {.table = &event_statements},       {.table = &venue_statements},
    {.table = &seat_statements},        {.table = &reconcile_statements},
    {.table = &reservation_statements}, {.table = &payment_statements},
    {.table = &backlog_statements},     {.table = &seed_statements},
    {.table = &retention_statements},   {.table = &mail_statements, .also = "maintenance"},
    {.table = &ending_statements},      {.table = &email_statements},
    {.table = &mailer_statements},      {.table = NULL},
};

const char *const registry_roles[] = {
    "user_service", "event_service", "reservation_service", "payment_service", "outbox_relay", "gateway",
    "user_admin",   "mailer",        "maintenance",         "key_keeper",      NULL,
};

const char *const registry_services[] = {
    "user_service", "event_service", "reservation_service", "payment_service", NULL,
};
