package deploy

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/yaml"

	"github.com/session-controller/session-controller/controllers"
)

// families are the names that a scrape has, with those of a histogram's series.
func families(t *testing.T) map[string]bool {
	t.Helper()
	registry := prometheus.NewRegistry()
	m, err := controllers.NewMetrics(registry, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.Build("v", "c", "g")
	described := make(chan *prometheus.Desc, 1000)
	registry.Describe(described)
	close(described)
	names := map[string]bool{}
	for d := range described {
		name := regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(d.String())[1]
		names[name] = true
		if strings.HasSuffix(name, "_seconds") {
			names[name+"_bucket"], names[name+"_count"], names[name+"_sum"] = true, true, true
		}
	}
	return names
}

// TestWhatIsAskedForIsMeasured holds alerts, board and documents to the metrics that there are, both ways.
func TestWhatIsAskedForIsMeasured(t *testing.T) {
	t.Parallel()
	there := families(t)
	asked := func(path string) map[string]bool {
		names := map[string]bool{}
		for _, name := range regexp.MustCompile(`session_controller_[a-z_]+`).FindAllString(read(t, path), -1) {
			names[name] = true
		}
		return names
	}
	alerts, board := asked("config/prometheus/alerts.yaml"), asked("config/grafana/session-controller.json")
	for path, names := range map[string]map[string]bool{"the alerts": alerts, "the board": board} {
		for name := range names {
			if !there[name] {
				t.Errorf("%s ask for %s, which is not measured", path, name)
			}
		}
	}
	documented := read(t, "docs/operating.md")
	for name := range there {
		if family := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, ""); there[family] && family != name {
			continue
		}
		if !strings.Contains(documented, "`"+name) {
			t.Errorf("docs/operating.md does not say what %s is", name)
		}
	}
}

// TestEveryAlertHasItsSection also checks that every alert is tested, and every reason explained.
func TestEveryAlertHasItsSection(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert       string            `json:"alert"`
				Annotations map[string]string `json:"annotations"`
				Labels      map[string]string `json:"labels"`
			} `json:"rules"`
		} `json:"groups"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "config/prometheus/alerts.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	runbook, tests := read(t, "docs/runbook.md"), read(t, "config/prometheus/alerts_test.yaml")
	alerts := 0
	for _, group := range rules.Groups {
		for _, r := range group.Rules {
			alerts++
			want := "https://github.com/session-controller/session-controller/blob/main/docs/runbook.md#" +
				strings.ToLower(r.Alert)
			if r.Annotations["runbook_url"] != want || !strings.Contains(runbook, "\n### "+r.Alert+"\n") {
				t.Errorf("%s has no section in the runbook, or leads to %s", r.Alert, r.Annotations["runbook_url"])
			}
			if !strings.Contains(tests, r.Alert+" fires") || !strings.Contains(tests, r.Alert+" does not") {
				t.Errorf("%s is not tested both ways", r.Alert)
			}
			if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s does not say how bad it is, or what", r.Alert)
			}
		}
	}
	if alerts < 20 {
		t.Errorf("there are %d alerts", alerts)
	}
	reasons := regexp.MustCompile(`Reason = "([A-Za-z]+)"`).
		FindAllStringSubmatch(read(t, "controllers/internal/verdict/reason.go"), -1)
	for _, reason := range reasons {
		if !strings.Contains(runbook, "\n### "+reason[1]+"\n") {
			t.Errorf("the runbook does not explain %s", reason[1])
		}
	}
	if len(reasons) < 20 {
		t.Errorf("found %d reasons", len(reasons))
	}
}

// TestTheBoardIsOne checks what a Grafana would stumble over, and that each panel says what is good.
func TestTheBoardIsOne(t *testing.T) {
	t.Parallel()
	var board struct {
		Panels []struct {
			ID          int    `json:"id"`
			Type        string `json:"type"`
			Title       string `json:"title"`
			Description string `json:"description"`
			GridPos     struct {
				H int `json:"h"`
				W int `json:"w"`
				X int `json:"x"`
				Y int `json:"y"`
			} `json:"gridPos"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal([]byte(read(t, "config/grafana/session-controller.json")), &board); err != nil {
		t.Fatal(err)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	var questions []string
	runbook := read(t, "docs/runbook.md")
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: another panel has its id", p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if cells[[2]int{x, y}] != "" || x > 23 {
					t.Errorf("%s lies over %s", p.Title, cells[[2]int{x, y}])
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			questions = append(questions, p.Title)
			continue
		}
		if p.Description == "" || len(p.Targets) == 0 {
			t.Errorf("%s does not say what it is, or asks nothing", p.Title)
		}
		if _, after, found := strings.Cut(p.Description, "Runbook: "); found {
			for section := range strings.SplitSeq(strings.TrimSuffix(after, "."), ", ") {
				if !strings.Contains(runbook, "\n### "+section+"\n") {
					t.Errorf("%s leads to %s, which the runbook does not have", p.Title, section)
				}
			}
		}
	}
	want := []string{"Is it working?", "What is drifting?", "Why?", "How fast?"}
	if !slices.Equal(questions, want) {
		t.Errorf("it asks %v, want %v", questions, want)
	}
}

// TestEveryThreatIsBackedByATest holds the names of tests in the documents to the tests that there are.
func TestEveryThreatIsBackedByATest(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"SECURITY.md", "docs/reliability.md"} {
		named := regexp.MustCompile("`(Test[A-Za-z0-9_]+|Fuzz[A-Za-z0-9_]+)`").FindAllStringSubmatch(read(t, path), -1)
		for _, name := range named {
			if !strings.Contains(all.String(), "func "+name[1]+"(") {
				t.Errorf("%s names %s, which does not exist", path, name[1])
			}
		}
		if path == "SECURITY.md" && len(named) < 10 {
			t.Errorf("%s names %d tests", path, len(named))
		}
	}
}

// TestThePagesCodeIsOfTheExamples holds the code of docs/integrating.md to the examples that are run.
func TestThePagesCodeIsOfTheExamples(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/integrating.md")
	for language, source := range map[string]string{
		"go": read(t, "examples/go/sessions.go"), "ts": read(t, "examples/prisma/sessions.ts"),
	} {
		blocks := regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```").FindAllStringSubmatch(page, -1)
		for _, block := range blocks {
			if !strings.Contains(source, block[1]) {
				t.Errorf("this is in no example:\n%s", block[1])
			}
		}
		if len(blocks) == 0 {
			t.Errorf("the page has no %s", language)
		}
	}
}

// TestEveryLinkLeadsSomewhere follows the relative links of all documents, with their anchors.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	t.Parallel()
	documents, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"docs", "docs/adr", "docs/performance", "config/prometheus"} {
		more, err := filepath.Glob(filepath.Join(root, dir, "*.md"))
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, more...)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			target, anchor, _ := strings.Cut(found[1], "#")
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			there, err := os.ReadFile(file)
			if info, statErr := os.Stat(file); statErr == nil && info.IsDir() {
				err = nil
			}
			if err != nil || anchor != "" && !slices.Contains(anchors(string(there)), anchor) {
				t.Errorf("%s leads to %s, which is not there", path, found[1])
			}
		}
	}
}

// anchors are those that GitHub makes of headings.
func anchors(text string) []string {
	headings := regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1)
	all := make([]string, 0, len(headings))
	for _, heading := range headings {
		anchor := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		all = append(all, strings.ReplaceAll(anchor, " ", "-"))
	}
	return all
}
