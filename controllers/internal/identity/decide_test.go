package identity

import "testing"

func TestDecideEngine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		reason, pin, remembered, last, current string
		want                                   engineVerdict
	}{
		{"nobody knows it", "", "", "", "a", engineUnknown},
		{"it is the one", "", "a", "", "a", engineAccepted},
		{"it is another one", "", "b", "", "a", engineRefused},
		{"it is pinned", "a", "", "", "a", engineNamed},
		{"it is pinned in place of another", "a", "b", "", "a", engineNamed},
		{"it is pinned and remembered", "a", "a", "", "a", engineAccepted},
		{"another one is pinned", "b", "", "", "a", engineRefused},
		{"another one is pinned, whatever is remembered", "b", "a", "a", "a", engineRefused},
		{"it was served, and the record is lost", "", "", "a", "a", engineUnknown},
		{"another one was served, and the record is lost", "", "", "b", "a", engineRefused},
		{"an operator trusts another one than was served", "", "a", "b", "a", engineAccepted},
		{"another one is pinned than was served", "a", "", "b", "a", engineNamed},
	} {
		if got := decideEngine(tt.pin, tt.remembered, tt.last, tt.current); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.reason, got, tt.want)
		}
	}
	for survey, want := range map[ClaimSurvey]bool{{}: true, {LiveClaims: 9}: false, {LiveClaims: 9, Found: 1}: true} {
		if survey.plausible() != want {
			t.Errorf("%+v is plausible: %t", survey, !want)
		}
	}
}
