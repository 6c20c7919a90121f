-- Text is searched by its parts of one, two and three characters: two Korean syllables are a word already, and trigrams
-- help nobody who asks for less than three.

CREATE FUNCTION event_service.search_form(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(pg_catalog.normalize(value, 'NFKC'));
COMMENT ON FUNCTION event_service.search_form(text) IS
'How texts are compared that somebody searches for: without case, full-width letters and ligatures as their plain ones';

CREATE FUNCTION event_service.grams(value text, shortest integer DEFAULT 1) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000 -- 50 µs: not to be asked of every row
RETURN array(
    SELECT DISTINCT substr(form, start, size)
    FROM (SELECT event_service.search_form(value) AS form) AS searched
    CROSS JOIN generate_series(shortest, 3) AS size
    CROSS JOIN LATERAL generate_series(1, length(form) - size + 1) AS start
);
COMMENT ON FUNCTION event_service.grams(text, integer) IS
'All parts of `shortest` to three characters of the search form: who contains a text has all of its parts';

-- Events change seldom, and a list of what is not in the index yet would be read by every search.
CREATE INDEX events_grams ON event_service.events
USING gin ((event_service.grams(title) || event_service.grams(artist))) WITH (fastupdate = off);

DROP INDEX event_service.events_title_trgm, event_service.events_artist_trgm;
DROP EXTENSION pg_trgm;

-- Lists of what begins in a week.
CREATE INDEX event_schedules_start ON event_service.event_schedules (event_start_at);
