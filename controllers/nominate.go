package controllers

import (
	"github.com/session-controller/session-controller/controllers/internal/verdict"
	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// reportedRows bounds the rows of unknown status and the impossible claims that are reported one by one; all are
// counted. One status that is not configured can be that of most rows of a table, and each report is remembered.
const reportedRows = 100

// nominates returns a visitor of one sweep that hands on the keys that are worth a look: what is adrift, what must be
// reported and was not yet, and every owned container without a claim.
func nominates(m *memory, session func(verdict.SessionKey) error, container func(verdict.ContainerKey) error) visitor {
	return visitor{
		row:       nominatesRows(m, session),
		container: func(c *dockerwatch.Container) error { return container(ContainerKey(c.ID)) },
	}
}

func nominatesRows(
	m *memory, nominate func(verdict.SessionKey) error,
) func(sessiondb.Row, *dockerwatch.Container, standing) error {
	reported := 0
	return func(row sessiondb.Row, _ *dockerwatch.Container, s standing) error {
		key := SessionKey(row.ID)
		var reason verdict.Reason
		switch s {
		case standsHealthy:
			return nil
		case standsAdrift:
			return nominate(key)
		case standsHeld, standsInvalid:
			if reported++; reported > reportedRows {
				return nil
			}
			reason = verdict.StatusUnknown
			if s == standsInvalid {
				reason = verdict.ClaimInvalid
			}
		case standsTaken:
			reason = verdict.ContainerTaken
		case standsForeign:
			reason = verdict.ContainerForeign
		}
		if m.hasSaid(key, row.Claim, said(reason)) {
			return nil
		}
		return nominate(key)
	}
}
