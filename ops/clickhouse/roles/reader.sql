-- Grafana's account: reads every table, changes nothing, and cannot take the server with it.
-- Parameter: password String.
CREATE ROLE IF NOT EXISTS hark_read;
GRANT SELECT ON hark.* TO hark_read;
CREATE SETTINGS PROFILE IF NOT EXISTS hark_read SETTINGS readonly = 2, max_execution_time = 60, max_memory_usage = 4000000000, max_result_rows = 1000000;
CREATE USER IF NOT EXISTS hark_grafana IDENTIFIED WITH sha256_password BY {password:String} DEFAULT ROLE hark_read SETTINGS PROFILE 'hark_read';
GRANT hark_read TO hark_grafana;
