package identity

// ClaimSurvey is what a first contact with an engine is judged by.
type ClaimSurvey struct {
	// LiveClaims are the live rows that claim something, Found the claims of any row that name a container of the engine.
	LiveClaims, Found int
}

// plausible reports whether an engine that was never seen before may be the one: it holds a container that a row
// claims, or there is nothing that it would have to hold.
func (c ClaimSurvey) plausible() bool { return c.Found > 0 || c.LiveClaims == 0 }

// engineVerdict is what is to be done about the engine that answers.
type engineVerdict int

const (
	engineRefused engineVerdict = iota
	// engineAccepted is the one that is remembered.
	engineAccepted
	// engineNamed is the one that the configuration names, and is to be remembered.
	engineNamed
	// engineUnknown is judged by a survey.
	engineUnknown
)

// decideEngine compares identities. Pure. pin, remembered and last, which this process served last, may be empty. Where
// the record is lost the engine that was served is judged anew, as the database may be another one, and no other engine
// takes its place.
func decideEngine(pin, remembered, last, current string) engineVerdict {
	switch {
	case pin != "" && pin != current:
		return engineRefused
	case remembered == current:
		return engineAccepted
	case pin != "":
		return engineNamed
	case remembered != "":
		return engineRefused
	case last == "", last == current:
		return engineUnknown
	}
	return engineRefused
}
