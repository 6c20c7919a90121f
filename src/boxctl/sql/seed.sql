-- Statements of `boxctl seed`: each finds the id of what was made already.
-- role: event_service

-- name: seed_venue :read
SELECT id
FROM event_service.venues
WHERE name = $1
ORDER BY id
LIMIT 1;

-- name: seed_hall :read
SELECT id
FROM event_service.halls
WHERE venue_id = $1::uuid AND name = $2;

-- name: seed_event :read
SELECT id
FROM event_service.events
WHERE hall_id = $1::uuid AND title = $2 AND deleted_at IS NULL
ORDER BY id
LIMIT 1;

-- name: seed_schedule :read
SELECT id
FROM event_service.event_schedules
WHERE event_id = $1::uuid
ORDER BY play_sequence
LIMIT 1;

-- A lock would be lost with the connection: a lost answer is no more than that.
-- name: seed_lock :read
SELECT try_seed_lock() AS held;
