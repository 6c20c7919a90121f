-- 100,000 events of 20 cities for the bench's rows about a large catalogue: titles of a few words that many have, artists
-- of three syllables that nobody else has. Their performances are spread over three years, beginning in a year.
SET session_replication_role = replica; -- no audit trail
SET search_path = event_service, public;
-- Into the index of all parts of all titles in large portions.
ALTER INDEX events_grams SET (fastupdate = on);
SET gin_pending_list_limit = '1GB';
SET maintenance_work_mem = '256MB';
WITH
words AS (
    SELECT '{봄,여름밤,가을,겨울,콘서트,뮤지컬,공연,축제,재즈,연극,무대,서울,Spring,Night,Live,Tour,World,Jazz,Stage,Love}'::text[] AS w
),
halls_made AS (
    INSERT INTO halls (venue_id, name, capacity, seat_template)
    SELECT id, 'Hall', 1, '{"rows":["A"],"seatsPerRow":1,"gradeMapping":{"A":"S"}}'
    FROM (SELECT uuidv7() AS id FROM generate_series(1, 100)) AS venue
    RETURNING id, venue_id
),
venues_made AS (
    INSERT INTO venues (id, name, address, city)
    SELECT venue_id, 'Venue ' || row_number() OVER (), 'Address', 'City ' || row_number() OVER () % 20
    FROM halls_made
),
numbered AS (
    SELECT *, row_number() OVER () AS place FROM halls_made
),
events_made AS (
    INSERT INTO events (venue_id, hall_id, title, artist, status)
    SELECT
        venue_id, id,
        w[1 + n % 20] || ' ' || w[1 + n / 20 % 20] || ' ' || w[1 + n / 400 % 20] || ' ' || n,
        chr(44032 + n * 7919 % 11172) || chr(44032 + n / 10 * 4517 % 11172) || chr(44032 + n * 31 % 11172), 'OPEN'
    FROM generate_series(1, 100000) AS n
    JOIN numbered ON place = 1 + n % 100
    CROSS JOIN words
    RETURNING id
)
INSERT INTO event_schedules (event_id, play_sequence, event_start_at, event_end_at, sale_start_at, sale_end_at,
                             admission_rate, queue_capacity, seats_total)
SELECT id, 1, at, at + interval '2 h', at - interval '2 years', at, 1, 1, 1
FROM (
    SELECT id, now() + interval '1 year' + make_interval(mins => (row_number() OVER () * 15)::integer) AS at
    FROM events_made
) AS placed;
UPDATE events
SET starts_at = event_start_at, sale_windows = tstzmultirange(tstzrange(sale_start_at, sale_end_at))
FROM event_schedules
WHERE event_id = events.id AND starts_at IS NULL; -- nor triggers that keep them in step
SELECT gin_clean_pending_list('events_grams');
ALTER INDEX events_grams SET (fastupdate = off);
ANALYZE events, event_schedules, venues;
