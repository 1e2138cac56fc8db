package sweep

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/session-controller/session-controller/pkg/dockerwatch"
	"github.com/session-controller/session-controller/pkg/sessiondb"
)

// containersNamed are so many containers as a list shows them.
func containersNamed(n int) []dockerwatch.Container {
	list := make([]dockerwatch.Container, n)
	for i := range list {
		list[i] = dockerwatch.Container{
			ID: fmt.Sprintf("%064x", uint64(i+1)<<32), Names: []string{fmt.Sprintf("web-%d", i)},
			Phase:  dockerwatch.Running,
			Labels: map[string]string{"io.session-controller.session": fmt.Sprintf("s%d", i)},
		}
	}
	return list
}

// The index is what a sweep keeps in memory, in proportion to the containers.
func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{200, 10_000} {
		list := containersNamed(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				dockerwatch.NewIndex(list)
			}
		})
	}
}

// The join is made for every row that claims something.
func BenchmarkJoin(b *testing.B) {
	list := containersNamed(10_000)
	x, c := dockerwatch.NewIndex(list), list[5000]
	ownership := dockerwatch.Ownership{Label: "io.session-controller.session"}
	for name, claim := range map[string]string{
		"id": c.ID, "short": dockerwatch.ShortID(c.ID), "name": c.Names[0], "gone": "web-gone",
	} {
		row := sessiondb.Row{ID: "s5000", Kind: sessiondb.StatusLive, Claim: claim}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				join(row, x, ownership)
			}
		})
	}
}
