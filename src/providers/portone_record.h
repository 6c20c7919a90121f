/*
 * portone_record: what is kept of PortOne's record of a payment. It tells who paid, from where and with what, which
 * nobody needs to know for seven years: only fields that a table names are kept, whatever PortOne adds.
 */
#ifndef PROVIDERS_PORTONE_RECORD_H
#define PROVIDERS_PORTONE_RECORD_H

#include "common/json/json.h"

/* The record's kept fields as JSON text in the arena; NULL when they are more than a megabyte. */
const char *portone_record_kept(struct arena *arena, const struct json *record);

#endif
