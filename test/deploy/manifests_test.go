package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/session-controller/session-controller/test/testenv"
)

// TestTheManifestsGiveNoRights renders config/manager as kubectl apply --kustomize does, and reads every object
// strictly: a misspelt field is an error.
func TestTheManifestsGiveNoRights(t *testing.T) {
	t.Parallel()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(),
		filepath.Join(root, "config/manager"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	var account corev1.ServiceAccount
	var config, filter corev1.ConfigMap
	into := map[string]any{
		"Deployment": &deployment, "ServiceAccount": &account, "ConfigMap session-controller": &config,
		"ConfigMap socket-proxy": &filter,
	}
	for _, object := range built.Resources() {
		text, err := object.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		kind := object.GetKind()
		if kind == "ConfigMap" { // its name ends in a hash
			kind += " " + object.GetName()[:strings.LastIndex(object.GetName(), "-")]
		}
		target, known := into[kind]
		if !known { // a Role, a binding: rights that nothing needs
			t.Errorf("there is a %s:\n%s", object.GetKind(), text)
			continue
		}
		if err := yaml.UnmarshalStrict(text, target); err != nil {
			t.Errorf("%s: %v", object.GetKind(), err)
		}
	}
	pod := deployment.Spec.Template.Spec
	gets := func(token *bool) bool { return token == nil || *token }
	if gets(account.AutomountServiceAccountToken) || gets(pod.AutomountServiceAccountToken) ||
		pod.ServiceAccountName != account.Name {
		t.Error("the pod gets a token of the Kubernetes API")
	}
	c := containerOf(t, pod, "session-controller")
	s := c.SecurityContext
	if s == nil || !*s.RunAsNonRoot || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation ||
		!slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("the container may more than it needs: %+v", s)
	}
	if c.ReadinessProbe != nil {
		t.Error("a controller that waits for its engine takes the server beside it out of service")
	}
	if c.LivenessProbe == nil || c.LivenessProbe.HTTPGet.Path != "/healthz" {
		t.Errorf("the liveness probe is %+v", c.LivenessProbe)
	}
	for _, wanted := range []corev1.ConfigMap{config, filter} {
		if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool {
			return v.ConfigMap != nil && v.ConfigMap.Name == wanted.Name
		}) {
			t.Errorf("no volume is the configuration %s", wanted.Name)
		}
	}
	if filter.Data["haproxy.cfg"] != read(t, "config/socket-proxy/haproxy.cfg") {
		t.Error("the filter is another one than config/socket-proxy/haproxy.cfg")
	}
	proxy := containerOf(t, pod, "socket-proxy")
	for _, e := range proxy.Env {
		if !strings.Contains(filter.Data["haproxy.cfg"], "${"+e.Name+"}") {
			t.Errorf("the filter does not read %s", e.Name)
		}
	}
	if mounts(c, "docker") {
		t.Error("the controller has the engine's own socket")
	}
	if !mounts(proxy, "docker") || !mounts(proxy, "socket") || !mounts(c, "socket") {
		t.Error("the controller reaches no engine")
	}
	takes(t, config.Data["config.yaml"], c.Args[1:])
}

func containerOf(t *testing.T, pod corev1.PodSpec, name string) corev1.Container {
	t.Helper()
	i := slices.IndexFunc(pod.Containers, func(c corev1.Container) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("there is no container %s", name)
	}
	return pod.Containers[i]
}

func mounts(c corev1.Container, volume string) bool {
	return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
}

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

// takes checks that the controller takes a configuration and flags: it gets as far as the database, which is not there.
func takes(t *testing.T, yaml string, flags []string) {
	t.Helper()
	flags = slices.DeleteFunc(slices.Clone(flags), func(f string) bool { return strings.HasPrefix(f, "--config") })
	c := newController(t, yaml, "DATABASE_URL=postgres://app:p@"+testenv.FreeAddress(t)+"/app?sslmode=disable",
		"DOCKER_HOST="+testenv.DockerHost(t))
	if out := c.does([]int{1}, append([]string{"run"}, flags...)...); !strings.Contains(out, "refused") {
		t.Errorf("the controller does not take it: %s", out)
	}
}

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
