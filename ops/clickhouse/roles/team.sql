-- A team sees the actions given to it, what was answered to them, the feedback they came from and their work
-- orders; of work orders that came from another team or went to one, what happened while it had them.
-- Parameters: team Identifier, password String. The account is named after the team; creating a user
-- with a default role grants it (a GRANT takes no parameter).
--
-- Row policies are permissive and joined by OR; a table with any policy is empty for whoever none
-- applies to, hence the policies for everybody else at the end.
CREATE ROLE IF NOT EXISTS hark_team;
GRANT SELECT ON hark.actions TO hark_team;
GRANT SELECT ON hark.action_status TO hark_team;
GRANT SELECT ON hark.work_order_changes TO hark_team;
GRANT SELECT ON hark.work_orders TO hark_team;
GRANT SELECT(feedback_id, customer_id, channel, text, lang, kind, product, region, occurred_at, scores, tier, reasons) ON hark.feedback TO hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_team ON hark.actions USING team = currentUser() TO hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_team ON hark.action_status USING action_id IN (SELECT action_id FROM hark.actions WHERE team = currentUser()) TO hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_team ON hark.feedback USING feedback_id IN (SELECT feedback_id FROM hark.actions WHERE team = currentUser()) TO hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_team ON hark.work_order_changes USING team = currentUser() OR previous = currentUser() OR action_id IN (SELECT action_id FROM hark.actions WHERE team = currentUser()) TO hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_others ON hark.work_order_changes USING 1 TO ALL EXCEPT hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_others ON hark.actions USING 1 TO ALL EXCEPT hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_others ON hark.action_status USING 1 TO ALL EXCEPT hark_team;
CREATE ROW POLICY IF NOT EXISTS hark_others ON hark.feedback USING 1 TO ALL EXCEPT hark_team;
CREATE USER IF NOT EXISTS {team:Identifier} IDENTIFIED WITH sha256_password BY {password:String} DEFAULT ROLE hark_team SETTINGS readonly = 2;
