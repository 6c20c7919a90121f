-- Statements of `boxctl doctor`.
-- role: boxoffice_admin

-- name: doctor_server :read
SELECT
    current_setting('server_version_num')::integer AS version_number,
    current_setting('server_version') AS version,
    current_setting('server_encoding') AS encoding,
    clock_timestamp() AS now,
    pg_is_in_recovery() AS in_recovery;
