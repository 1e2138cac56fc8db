package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestTheComposeFileIsOne loads it as docker compose does, by the specification's own library.
func TestTheComposeFileIsOne(t *testing.T) {
	t.Parallel()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "config/compose/compose.yaml")},
		cli.WithWorkingDirectory(root), cli.WithName("session-controller"),
		cli.WithEnv([]string{"DATABASE_PASSWORD=p", "SESSION_SERVER_IMAGE=s"}))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := project.Services["session-controller"]
	if !c.ReadOnly || c.User != "65532:65532" || !slices.Equal(c.CapDrop, []string{"ALL"}) || len(c.Ports) > 0 {
		t.Errorf("the controller may more than it needs: %+v", c)
	}
	for _, v := range c.Volumes {
		if strings.Contains(v.Source, "docker.sock") {
			t.Error("the controller has the engine's own socket")
		}
	}
	proxy := project.Services["socket-proxy"]
	if proxy.NetworkMode != "none" || !proxy.ReadOnly {
		t.Error("the filter can be reached from a network, or written to")
	}
	rules := read(t, "config/socket-proxy/haproxy.cfg")
	for name, value := range proxy.Environment {
		if value == nil || !strings.Contains(rules, "${"+name) && !strings.Contains(rules, "env("+name+")") {
			t.Errorf("the filter does not read %s", name)
		}
	}
	if len(project.DisabledServices) > 0 {
		t.Error("a service needs a profile that nobody names")
	}
	for _, config := range project.Configs {
		if _, err := os.Stat(config.File); err != nil {
			t.Error(err)
		}
	}
	takes(t, read(t, "config/compose/session-controller.yaml"), flagsOf(c))
}

func flagsOf(c types.ServiceConfig) []string {
	i := slices.Index(c.Command, "--config")
	return c.Command[i+2:]
}
