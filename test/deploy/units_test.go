package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestTheUnitsAreSome lets systemd check the units, and how much the services may do.
func TestTheUnitsAreSome(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"session-controller.service", "session-controller-filter.service"} {
		unit := filepath.Join(t.TempDir(), name)
		// The program must be there, or systemd says that it is not.
		text := strings.ReplaceAll(read(t, "config/systemd/"+name), "/usr/local/bin/session-controller",
			testenv.Controller(t))
		if err := os.WriteFile(unit, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "haproxy") && strings.Contains(text, "\nMemoryDenyWriteExecute=") {
			t.Errorf("%s: HAProxy does not start where it may make no code", name)
		}
		if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "verify", unit).CombinedOutput(); err != nil ||
			len(out) > 0 {
			t.Errorf("systemd-analyze verify %s: %v\n%s", name, err, out)
		}
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", unit).CombinedOutput()
		if err != nil {
			t.Fatalf("systemd-analyze security %s: %v\n%s", name, err, out)
		}
		if found := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindSubmatch(out); found == nil ||
			string(found[1]) > "2.0" || len(found[1]) != 3 {
			t.Errorf("%s is exposed:\n%s", name, out)
		}
	}
}
