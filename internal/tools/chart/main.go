// Command chart draws docs/performance.svg from the output of BenchmarkProcess on its standard input: time and
// requests of a sync against the number of users, beside the floor and what compared.txt tells of other programs.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"image/color"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

//go:embed compared.txt
var compared string

// figures are the points of each line, by latency and unit.
type figures map[string]plotter.XYs

func main() {
	out := flag.String("out", "", "the SVG to write")
	flag.Parse()
	found := read(io.MultiReader(os.Stdin, strings.NewReader("\n"+compared)))
	seconds := panel("Time of a full sync", "seconds", []line{
		{floorColor, "floor: the SDK without any request", found["0s floor-wall-s"]},
		{ownColor, "baton-whimsical, no latency", found["0s wall-s"]},
		{latencyColor, "baton-whimsical, 50 ms a request", found["50ms wall-s"]},
		{triedColor, "tried: grants asked per user, without requests", found["0s tried-wall-s"]},
		{genericColor, "generic SCIM connector", found["0s generic-wall-s"]},
	})
	requests := panel("Requests of a full sync", "requests", []line{
		{ownColor, "baton-whimsical", found["0s requests"]},
		{genericColor, "generic SCIM connector", found["0s generic-requests"]},
	})
	write(*out, seconds, requests)
}

// check ends the command on an error.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func read(in io.Reader) figures {
	found := figures{}
	reader := benchfmt.NewReader(in, "the results")
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		users, latency := 0.0, ""
		_, parts := result.Name.Parts()
		for _, part := range parts {
			switch name, value, _ := strings.Cut(string(part), "="); name {
			case "/users":
				users, _ = strconv.ParseFloat(value, 64) // 0 is told below
			case "/latency":
				latency = value
			}
		}
		if users == 0 || latency == "" {
			check(fmt.Errorf("%s does not tell users and latency", result.Name))
		}
		for _, value := range result.Values {
			key := latency + " " + value.Unit
			found[key] = append(found[key], plotter.XY{X: users, Y: value.Value})
		}
	}
	check(reader.Err())
	for _, points := range found {
		slices.SortFunc(points, func(a, b plotter.XY) int { return int(a.X - b.X) })
	}
	return found
}

// Colors, the same in both panels, as numbers of plotutil's default colors.
const floorColor, ownColor, latencyColor, triedColor, genericColor = 0, 1, 2, 3, 4

type line struct {
	color  int
	name   string
	points plotter.XYs
}

// panel draws lines over logarithmic axes.
func panel(title, unit string, lines []line) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "users", unit
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	for _, l := range lines {
		if len(l.points) == 0 {
			check(fmt.Errorf("no result for %q", l.name))
		}
		drawn, points, err := plotter.NewLinePoints(l.points)
		check(err)
		drawn.Color, points.Color = plotutil.Color(l.color), plotutil.Color(l.color)
		drawn.Width = vg.Points(1.5)
		points.Shape = draw.CircleGlyph{}
		p.Add(drawn, points)
		p.Legend.Add(l.name, drawn, points)
	}
	p.X.Max *= 1.3
	p.Y.Max *= 20 // room for the legend
	return p
}

func write(out string, panels ...*plot.Plot) {
	const width, height, margin = 6 * vg.Inch, 4.5 * vg.Inch, 0.25 * vg.Inch
	canvas := vgsvg.New(width*vg.Length(len(panels)), height)
	whole := draw.New(canvas)
	for i, p := range panels {
		left := width * vg.Length(i)
		p.Draw(draw.Crop(whole, left+margin, left+width-whole.Max.X-margin, margin, -margin))
	}
	var picture bytes.Buffer
	_, _ = canvas.WriteTo(&picture) // a buffer takes everything
	check(os.WriteFile(out, picture.Bytes(), 0o644))
}
