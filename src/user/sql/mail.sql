-- Mails to be sent.
-- role: user_service

-- Of a kind about an account, $8 within a day at most.
-- name: mail_put :write
INSERT INTO mails (id, kind, user_id, recipient, content, language, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE $3::uuid IS NULL OR mails_of_a_day($3::uuid, $2::text) < $8::bigint;
