package main

import "testing"

func TestASentenceShowsNoPassword(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`unknown command "postgres://u:p\"w@h/db" for "run"`:      `unknown command "postgres://…@h/db" for "run"`,
		`unknown command "host=h password=secret user=u" for run`: `unknown command "host=h password=… user=u" for run`,
		`PGPASSWORD=secret sslpassword = 'it\'s secret' run`:      `PGPASSWORD=… sslpassword=… run`,
		`"host=h password='it\\'s secret' user=u"`:                `"host=h password=… user=u"`,
		`connect to password=a\ b host=h`:                         `connect to password=… host=h`,
		"password='a \\\nb\\":                                     `password=…`,
		`connect to password='a b`:                                `connect to password=…`,
		`connect to h: refused`:                                   `connect to h: refused`,
	} {
		if got := masked(given); got != want {
			t.Errorf("%s\nis told as %s\nwant       %s", given, got, want)
		}
	}
}
