-- What people type is stored in one form (common/base/text.h). Rows of another form are brought into it. Templates of
-- halls stay, for seats were sold by the labels in them; so do copies (reservations, seats) and what is sealed.

CREATE FUNCTION common.line(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN btrim(regexp_replace(normalize(regexp_replace(value,
        '[\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f'
        '\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]',
        '', 'g'), NFC),
        '[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u2800\u3000]+', ' ', 'g'));
COMMENT ON FUNCTION common.line(text) IS
    'A line in the form in which what people type is stored: NFC, single spaces between words, nothing that cannot be '
    'seen. The services come first, refuse more, and say why';

-- Where nothing is left, the row's id stands in until somebody gives it a name.
CREATE FUNCTION pg_temp.line_or_id(value text, most integer, id uuid) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN coalesce(nullif(rtrim(left(common.line(value), most)), ''), id::text);

UPDATE event_service.venues
SET name = pg_temp.line_or_id(name, 200, id),
    address = pg_temp.line_or_id(address, 300, id),
    city = pg_temp.line_or_id(city, 50, id)
WHERE (name, address, city) IS DISTINCT FROM (common.line(name), common.line(address), common.line(city));

-- Of halls that become one, the first keeps the name and the others add their ids to it.
WITH
formed AS (
    SELECT id, venue_id, name = common.line(name) AS stays, pg_temp.line_or_id(name, 200, id) AS name
    FROM event_service.halls
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY venue_id, name ORDER BY stays DESC, id) AS place
    FROM formed
)
UPDATE event_service.halls
SET name = CASE ranked.place WHEN 1 THEN ranked.name ELSE rtrim(left(ranked.name, 163)) || ' ' || halls.id END
FROM ranked
WHERE ranked.id = halls.id AND NOT ranked.stays;

UPDATE event_service.events
SET title = pg_temp.line_or_id(title, 200, id),
    artist = pg_temp.line_or_id(artist, 200, id),
    description = left(normalize(description, NFC), 10000)
WHERE (title, artist, description)
    IS DISTINCT FROM (common.line(title), common.line(artist), normalize(description, NFC));

DROP FUNCTION pg_temp.line_or_id(text, integer, uuid);

ALTER TABLE event_service.venues ADD CONSTRAINT venues_typed CHECK (
    name = common.line(name) AND address = common.line(address) AND city = common.line(city)
);
ALTER TABLE event_service.halls ADD CONSTRAINT halls_typed CHECK (name = common.line(name));
ALTER TABLE event_service.events ADD CONSTRAINT events_typed CHECK (
    title = common.line(title) AND artist = common.line(artist) AND description IS NFC NORMALIZED
);
