package sessiondb

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzDatabaseURL checks that the password of a URL is never in an error or in what is logged, escaped or not, and
// wherever it stands.
func FuzzDatabaseURL(f *testing.F) {
	for _, seed := range []struct{ before, after, rest, query string }{
		{"", "", "db:5432/app", "sslmode=disable"},
		{"", "", "[::1]:5433,db2/app", "schema=My App&connection_limit=5&pgbouncer=true"},
		{"", "", "%2Frun%2Fpostgresql/app", "sslaccept=strict&sslmode=sometimes"},
		{"p", "p", "db:port/app", "connections=5"},
		{"12/", "", "db/app", ""},
		{"12?", "=1", "db/app", ""},
		{"12?", "&", "db/app", ""},
		{"12#", "", "db/app", ""},
		{"%zz", " ", "db/app", "port=99999"},
		{"ab&", "", "db/app", "password=b"},
		{"ab&", "=c", "db/app", "sslmode=disable"},
		{"ab&", "&", "db/app", "application_name=a@b"},
		{"x@h?", "=", "db/app", ""},
		{"x@h/", "?a=", "db/app", ""},
		{"\\", "'", "/app", "host=/run/postgresql&service=x"},
		{"é\x00", ";", "", "hostaddr=1.2.3&client_encoding=latin1&sslmode=disable&sslmode=require"},
	} {
		f.Add(seed.before, seed.after, seed.rest, seed.query)
	}
	f.Fuzz(func(t *testing.T, before, after, rest, query string) {
		const secret = "hunter2"
		if strings.Contains(rest+query, secret) {
			return
		}
		password := before + secret + after
		urls := []string{
			"postgres://app:" + url.QueryEscape(password) + "@" + rest + "?" + query,
			"postgresql://" + rest + "?" + query + "&password=" + url.QueryEscape(password),
			"file:data.db?" + query + "&key=" + url.QueryEscape(password),
			"mysql://app:" + password + "@" + rest,
			"app:" + password + "@" + rest + "?" + query,
		}
		if !holdsParameter(password) {
			urls = append(urls,
				"postgres://app:"+password+"@"+rest+"?"+query,
				"postgresql://"+rest+"?"+query+"&password="+password,
			)
		}
		for _, u := range urls {
			b, err := newBackend(Config{URL: u, Table: "sessions"})
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%q: the error holds the password: %v", u, err)
			}
			if err == nil && strings.Contains(b.describe(), secret) {
				t.Errorf("%q: describe() = %q holds the password", u, b.describe())
			}
		}
		_, _ = newBackend(Config{URL: rest + query, Table: rest}) // must not panic
	})
}

// holdsParameter reports whether what follows an unescaped character in a password is a parameter that is understood,
// "&dbname=…" say. Nothing tells that from one that was meant.
func holdsParameter(password string) bool {
	pieces := strings.FieldsFunc(password, func(r rune) bool { return r == '?' || r == '&' })
	return slices.ContainsFunc(pieces, func(piece string) bool {
		name, _, _ := strings.Cut(piece, "=")
		plain, err := url.QueryUnescape(name)
		return err == nil && understood(plain)
	})
}
