package main

import (
	"fmt"
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// line is one curve of a drawing.
type line struct {
	name string
	of   func(step) float64
	hue  color.Color
}

// draw writes the drawings of the growth figures: both axes are logarithmic, so a straight line is a power.
func draw(directory string, steps []step) error {
	blue, grey, red := color.RGBA{B: 0xc0, G: 0x60, A: 0xff}, color.Gray{Y: 0x80}, color.RGBA{R: 0xc0, A: 0xff}

	for _, d := range []struct {
		file, title, axis string
		lines             []line
	}{
		{"sweep.svg", "A sweep that finds no drift", "seconds", []line{
			{"seed: one process per row", func(s step) float64 { return s.seed }, red},
			{"session-controller", func(s step) float64 { return s.sweep }, blue},
			{"floor: one list, one query", func(s step) float64 { return s.floor }, grey},
		}},
		{"memory.svg", "Peak memory of the controller", "MiB", []line{
			{"session-controller", func(s step) float64 { return s.memory }, blue},
		}},
	} {
		p := plot.New()
		p.Title.Text, p.X.Label.Text, p.Y.Label.Text = d.title, "sessions, each with a container", d.axis
		p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
		p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
		p.Legend.Top, p.Legend.Left = true, true
		p.Add(plotter.NewGrid())

		for _, l := range d.lines {
			points := make(plotter.XYs, len(steps))
			for i, s := range steps {
				points[i].X, points[i].Y = s.sessions, l.of(s)
			}

			curve, dots, err := plotter.NewLinePoints(points)
			if err != nil {
				return fmt.Errorf("draw %s: %w", d.file, err)
			}

			curve.Color, dots.Color = l.hue, l.hue
			curve.Width = vg.Points(2)
			p.Add(curve, dots)
			p.Legend.Add(l.name, curve, dots)
		}

		const width, height = 16 * vg.Centimeter, 10 * vg.Centimeter
		if err := p.Save(width, height, filepath.Join(directory, d.file)); err != nil {
			return fmt.Errorf("draw %s: %w", d.file, err)
		}
	}

	return nil
}
