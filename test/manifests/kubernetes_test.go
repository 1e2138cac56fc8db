package manifests

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
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
