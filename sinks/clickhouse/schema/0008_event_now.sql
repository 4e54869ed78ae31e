-- What services answer is told in their time, which is today even where feedback of long ago is played.
CREATE OR REPLACE VIEW event_now /* on cluster */ AS
SELECT greatest(
    (SELECT max(occurred_at) FROM facts WHERE event != 'action_status'),
    (SELECT max(occurred_at) FROM feedback)) AS at;
