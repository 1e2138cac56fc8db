package sessiondb

import (
	"fmt"
	"testing"

	"github.com/session-controller/session-controller/internal/batch"
	"github.com/session-controller/session-controller/test/testenv"
)

// What a shared statement does not answer is asked for alone, so that one that never answers would go unnoticed: here
// it must, whatever the columns' types are.
func TestASharedStatementAnswersEachOfThoseWhoAsk(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ id, status, claim string }{
		{"text", "text", "text"},
		{"uuid", "mood", "varchar(100)"},
		{"bigint", "varchar(20)", "text NOT NULL"},
		{"char(36)", "text", "char(64)"},
	} {
		for _, channel := range []string{"", "failed"} {
			t.Run(tc.id+channel, func(t *testing.T) {
				t.Parallel()
				cfg := DefaultConfig()
				cfg.URL, cfg.NotifyChannel = testenv.PostgresURL(t), channel
				cfg.Columns.Reason = "why"
				s := prepared(t, cfg, `CREATE TYPE mood AS ENUM ('ACTIVE', 'IDLE', 'ERROR', 'TERMINATED')`,
					fmt.Sprintf(`CREATE TABLE sessions (id %s PRIMARY KEY, status %s, container_id %s, why text)`,
						tc.id, tc.status, tc.claim))
				ids := []string{"a0eebc99-9c0b-4ef8-bb6d-000000000001", "a0eebc99-9c0b-4ef8-bb6d-000000000002"}
				if tc.id == "bigint" {
					ids = []string{"1", "2"}
				}
				for _, id := range ids {
					s.write.MustExec(`INSERT INTO sessions VALUES ($1, 'ACTIVE', 'claim')`, id)
				}
				rows := answered(t, s.getSeveral(t.Context(), ids))
				asked := make([]write, 0, len(rows))
				for _, row := range rows {
					asked = append(asked, write{operation: "set", row: row, claim: s.stored("other")})
				}
				rows = answered(t, s.writeSeveral(t.Context(), asked))
				for i, row := range rows {
					asked[i] = write{operation: "fail", row: row, claim: s.stored(""), fails: true, message: "m", reason: "r"}
				}
				for _, row := range answered(t, s.writeSeveral(t.Context(), asked)) {
					if row.Status != "ERROR" || row.Claims() {
						t.Errorf("a failed and released session is %+v", row)
					}
				}
			})
		}
	}
}

func answered(t *testing.T, answers []batch.Answer[Row]) (rows []Row) {
	t.Helper()
	for _, a := range answers {
		if a.Err != nil {
			t.Fatalf("one was not answered: %v", a.Err)
		}
		rows = append(rows, a.Value)
	}
	return rows
}

// The role of config/postgres/roles.sql has rights on single columns.
func TestASharedWriteNeedsNoOtherRightsThanOneAlone(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.URL = testenv.PostgresURL(t)
	role := testenv.Name(t, "shared_")
	s := prepared(t, cfg, `CREATE TABLE sessions (id text PRIMARY KEY, status text, container_id text)`,
		`INSERT INTO sessions VALUES ('a', 'ACTIVE', 'x'), ('b', 'ACTIVE', 'y')`)
	for _, statement := range []string{
		`CREATE ROLE %q`, `GRANT SELECT (id, status, container_id), UPDATE (status, container_id) ON sessions TO %q`,
	} {
		s.write.MustExec(fmt.Sprintf(statement, role))
	}
	t.Cleanup(func() {
		for _, statement := range []string{`RESET ROLE`, `DROP OWNED BY %q`, `DROP ROLE %q`} {
			if statement != `RESET ROLE` {
				statement = fmt.Sprintf(statement, role)
			}
			s.write.MustExec(statement)
		}
	})
	s.write.SetMaxOpenConns(1) // the role is the connection's
	s.write.MustExec(fmt.Sprintf(`SET ROLE %q`, role))
	ids := []string{"a", "b"}
	asked := make([]write, 0, len(ids))
	for _, row := range answered(t, s.getSeveral(t.Context(), ids)) {
		asked = append(asked, write{operation: "fail", row: row, fails: true})
	}
	answered(t, s.writeSeveral(t.Context(), asked))
}
