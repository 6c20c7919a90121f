SELECT total_amount, hold_expires_at FROM hold_seats(uuidv7(), gen_random_uuid(), '00000000-0000-7000-8000-0000000000be', 300,
  '{"event_id":"00000000-0000-7000-8000-0000000000be","event_title":"Concert","artist":"Artist","venue_name":"Venue","hall_name":"Hall","event_start_at":"2030-01-01T19:00:00+09:00"}'::jsonb,
  jsonb_build_array(jsonb_build_object('seat_id', gen_random_uuid(), 'seat_number', 'A-1', 'grade', 'VIP', 'price', 150000)));
