-- Which customer a voice (pseudonym of channel and handle) belongs to now, from the facts that intake
-- writes for customers.links; empty after unlinking or withdrawn consent. The last append counts, as
-- in intake. Joining feedback.voice to it gives a customer what was said before the link.
CREATE VIEW IF NOT EXISTS voices /* on cluster */ AS
SELECT
    assumeNotNull(value) AS voice,
    argMax(if(kind = 'linked', customer_id, ''), (received_at, origin.3)) AS customer_id,
    max(received_at) AS changed_at
FROM facts FINAL
WHERE event = 'customer' AND kind IN ('linked', 'unlinked')
GROUP BY voice;
