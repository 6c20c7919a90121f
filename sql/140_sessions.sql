-- What people see of their account: sessions, logins, and what they have agreed to.

-- What a refresh token came from, so that a lost answer can be given again; and from where a session was last used.
ALTER TABLE user_service.refresh_tokens
ADD COLUMN replaces uuid,
ADD COLUMN ip inet,
ADD COLUMN user_agent text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 400);
CREATE UNIQUE INDEX refresh_tokens_replaced_once ON user_service.refresh_tokens (replaces) WHERE replaces IS NOT NULL;

COMMENT ON COLUMN user_service.refresh_tokens.replaces IS 'jti of the token exchanged for this one; NULL: given by a login';
COMMENT ON COLUMN user_service.refresh_tokens.ip IS 'Address of whom it was given to; NULL: not known';
COMMENT ON COLUMN user_service.refresh_tokens.user_agent IS 'What that client called itself';

-- Every decision is kept; the latest about a type of terms counts.
ALTER TABLE user_service.terms_agreements
DROP CONSTRAINT terms_agreements_pkey,
ADD PRIMARY KEY (user_id, type, decided_at, version);
COMMENT ON TABLE user_service.terms_agreements IS
'What each user decided about the terms, every time; the latest decision about a type counts';

CREATE FUNCTION user_service.decide_later() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    SELECT greatest(NEW.decided_at, max(decided_at) + interval '1 microsecond') INTO NEW.decided_at
    FROM user_service.terms_agreements
    WHERE user_id = NEW.user_id AND type = NEW.type;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION user_service.decide_later() IS 'A new decision is the latest also when the clock was set back';
REVOKE ALL ON FUNCTION user_service.decide_later() FROM public;
CREATE TRIGGER terms_agreements_later BEFORE INSERT ON user_service.terms_agreements
FOR EACH ROW EXECUTE FUNCTION user_service.decide_later();

-- From where a person has logged in.
CREATE INDEX login_history_known ON user_service.login_history (user_id, ip, created_at) WHERE result = 'SUCCESS';

-- An identity verification changes one account once, in the transaction of that change.
CREATE TABLE user_service.identity_uses (
    verification bytea PRIMARY KEY CHECK (length(verification) = 32),
    user_id uuid NOT NULL REFERENCES user_service.users (id),
    used_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX identity_uses_age ON user_service.identity_uses (used_at);
COMMENT ON TABLE user_service.identity_uses IS 'Identity verifications that have made or changed an account. Kept two days';
COMMENT ON COLUMN user_service.identity_uses.verification IS 'SHA-256 of PortOne''s id';
COMMENT ON COLUMN user_service.identity_uses.user_id IS 'Whose account';
COMMENT ON COLUMN user_service.identity_uses.used_at IS 'When';
GRANT SELECT, INSERT (verification, user_id) ON user_service.identity_uses TO user_service;

-- What nobody can use any more: boxoffice-maint purge calls these two, as it does common.purge().
CREATE FUNCTION user_service.purge(most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS
$purge$
    WITH tokens AS (
        DELETE FROM user_service.refresh_tokens
        WHERE id IN (SELECT id FROM user_service.refresh_tokens
                     WHERE expires_at < statement_timestamp() - interval '1 day'
                     ORDER BY expires_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id),
    uses AS (
        DELETE FROM user_service.identity_uses
        WHERE verification IN (SELECT verification FROM user_service.identity_uses
                               WHERE used_at < statement_timestamp() - interval '2 days'
                               ORDER BY used_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING verification),
    logins AS (
        DELETE FROM user_service.login_history_default
        WHERE id IN (SELECT id FROM user_service.login_history_default
                     WHERE created_at < statement_timestamp() - interval '1 year'
                     ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id)
    SELECT (SELECT count(*) FROM tokens) + (SELECT count(*) FROM uses) + (SELECT count(*) FROM logins)
$purge$;
COMMENT ON FUNCTION user_service.purge(integer) IS
'Deletes refresh tokens a day after their end, used verifications after two, logins of no month after a year, at most so many of each. Returns how many';

-- A month for which logins are there already, in the default partition, takes them over.
CREATE OR REPLACE FUNCTION user_service.login_history_add_month(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = user_service, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month);
    partition text := to_char(first, '"login_history_"YYYYMM');
    starts timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE login_history INCLUDING ALL)', partition);
    LOCK TABLE login_history_default IN ACCESS EXCLUSIVE MODE; -- nobody adds one meanwhile
    EXECUTE format('WITH moved AS (DELETE FROM login_history_default WHERE created_at >= %L AND created_at < %L RETURNING *) '
                   'INSERT INTO %I SELECT * FROM moved', starts, ends, partition);
    EXECUTE format('ALTER TABLE login_history ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, starts, ends);
    EXECUTE format('COMMENT ON TABLE %I IS %L', partition, to_char(first, '"Attempts of "YYYY-MM'));
    RETURN true;
END
$$;

CREATE FUNCTION user_service.login_history_roll() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = user_service, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    this_month date := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC');
    month text;
    changed integer := 0;
BEGIN
    FOR month IN
        SELECT c.relname FROM pg_inherits AS i INNER JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'login_history'::regclass AND c.relname ~ '^login_history_[0-9]{6}$'
          AND c.relname < to_char(this_month - interval '12 months', '"login_history_"YYYYMM')
    LOOP
        EXECUTE format('DROP TABLE %I', month);
        changed := changed + 1;
    END LOOP;
    FOR ahead IN 0..12 LOOP
        changed := changed + login_history_add_month((this_month + make_interval(months => ahead))::date)::integer;
    END LOOP;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION user_service.login_history_roll() IS
'Makes the months of login_history for a year ahead and drops those that ended more than a year ago. Returns how many';

REVOKE ALL ON FUNCTION user_service.purge(integer), user_service.login_history_roll() FROM public;
GRANT USAGE ON SCHEMA user_service TO reservation_service; -- whose jobs boxoffice-maint runs
GRANT EXECUTE ON FUNCTION user_service.purge(integer), user_service.login_history_roll() TO reservation_service;
