-- The role that session-controller connects as, with the rights that it needs and no others.
--
-- Put in the names of your own table and columns, and run it as the table's owner with CREATEROLE, after
-- `session-controller migrate`; it can be run again:
--
--   psql app --single-transaction --file roles.sql
--
-- Then set a password: psql app --command '\password session_controller'

DO $$ BEGIN
  CREATE ROLE session_controller LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL; -- it is there already
END $$;

GRANT USAGE ON SCHEMA public TO session_controller;

-- Read: id, status and claim, and createdAt and node where they are mapped.
GRANT SELECT (id, status, container_id) ON public.sessions TO session_controller;

-- Written: status and claim, and updatedAt and reason where they are mapped. For config/examples/postgres.yaml:
-- GRANT UPDATE (updated_at) ON public.sessions TO session_controller;
GRANT UPDATE (status, container_id) ON public.sessions TO session_controller;

-- The controller's own tables, which `session-controller migrate` has made: which engine it serves, the lease of
-- replicas, and a pause.
GRANT USAGE ON SCHEMA session_controller TO session_controller;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON session_controller.engine, session_controller.lease, session_controller.pause TO session_controller;

-- LISTEN and NOTIFY need no right, and the trigger of `session-controller migrate` runs as whoever writes the row. The
-- migration itself is run by the table's owner.
