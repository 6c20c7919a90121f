-- Mails to be sent.
-- role: user_service

-- name: mail_put :write
INSERT INTO mails (id, kind, user_id, recipient, content, language, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7);
