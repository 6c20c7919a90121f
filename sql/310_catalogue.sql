-- What a crowd reads of the catalogue: how long a list is right is told by the next opening or closing of a sale.
CREATE INDEX event_schedules_sale_start ON event_service.event_schedules (sale_start_at);
CREATE INDEX event_schedules_sale_end ON event_service.event_schedules (sale_end_at);
