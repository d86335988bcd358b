// Command chart draws docs/performance.svg from the output of BenchmarkProcess on its standard input: time
// and requests of a sync against the number of users, beside the floor.
package main

import (
	"errors"
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

func main() {
	out := flag.String("out", "", "the SVG to write")
	flag.Parse()
	if err := run(os.Stdin, *out); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

// figures are the results of one size and latency, by unit.
type figures struct {
	users   float64
	latency string
	value   map[string]float64
}

func run(in io.Reader, out string) error {
	if out == "" {
		return errors.New("-out is required")
	}
	results, err := read(in)
	if err != nil {
		return err
	}
	seconds, err := panel("Time of a full sync", "seconds", []line{
		{floorColor, "floor: the SDK without any request", pick(results, "0s", "floor-wall-s")},
		{ownColor, "baton-whimsical, no latency", pick(results, "0s", "wall-s")},
		{latencyColor, "baton-whimsical, 50 ms a request", pick(results, "50ms", "wall-s")},
		{triedColor, "tried: grants asked per user, without requests", plotter.XYs{{X: 1e5, Y: 98}}},
		{genericColor, "generic SCIM connector", plotter.XYs{{X: 1e5, Y: 299}}},
	})
	if err != nil {
		return err
	}
	requests, err := panel("Requests of a full sync", "requests", []line{
		{ownColor, "baton-whimsical", pick(results, "0s", "requests")},
		{genericColor, "generic SCIM connector", plotter.XYs{{X: 1e5, Y: 102002}}},
	})
	if err != nil {
		return err
	}
	return write(out, seconds, requests)
}

func read(in io.Reader) ([]figures, error) {
	var results []figures
	reader := benchfmt.NewReader(in, "stdin")
	for reader.Scan() {
		result, ok := reader.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		f := figures{value: map[string]float64{}}
		for _, part := range strings.Split(strings.TrimSuffix(result.Name.String(), fmt.Sprintf("-%d", procs(result))), "/") {
			if users, ok := strings.CutPrefix(part, "users="); ok {
				n, err := strconv.ParseFloat(users, 64)
				if err != nil {
					return nil, err
				}
				f.users = n
			}
			if latency, ok := strings.CutPrefix(part, "latency="); ok {
				f.latency = latency
			}
		}
		if f.users == 0 || f.latency == "" {
			continue
		}
		for _, value := range result.Values {
			f.value[value.Unit] = value.Value
		}
		results = append(results, f)
	}
	if err := reader.Err(); err != nil {
		return nil, err
	}
	if len(results) == 0 {
		return nil, errors.New("no result of BenchmarkProcess on standard input")
	}
	return results, nil
}

// procs is the GOMAXPROCS suffix of a result's name.
func procs(result *benchfmt.Result) int {
	name := result.Name.String()
	n, err := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
	if err != nil {
		return 0
	}
	return n
}

func pick(results []figures, latency, unit string) plotter.XYs {
	var points plotter.XYs
	for _, f := range results {
		if value, ok := f.value[unit]; ok && f.latency == latency {
			points = append(points, plotter.XY{X: f.users, Y: value})
		}
	}
	slices.SortFunc(points, func(a, b plotter.XY) int { return int(a.X - b.X) })
	return points
}

// Colors, the same in both panels, as numbers of plotutil's default colors.
const (
	floorColor = iota
	ownColor
	latencyColor
	triedColor
	genericColor
)

type line struct {
	color  int
	name   string
	points plotter.XYs
}

// panel draws lines over logarithmic axes.
func panel(title, unit string, lines []line) (*plot.Plot, error) {
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
			return nil, fmt.Errorf("no result for %q", l.name)
		}
		drawn, points, err := plotter.NewLinePoints(l.points)
		if err != nil {
			return nil, err
		}
		drawn.Color, points.Color = plotutil.Color(l.color), plotutil.Color(l.color)
		drawn.Width = vg.Points(1.5)
		points.Shape = draw.CircleGlyph{}
		p.Add(drawn, points)
		p.Legend.Add(l.name, drawn, points)
	}
	p.X.Max *= 1.3
	p.Y.Max *= 20 // room for the legend
	return p, nil
}

func write(out string, panels ...*plot.Plot) (err error) {
	const width, height, margin = 6 * vg.Inch, 4.5 * vg.Inch, 0.25 * vg.Inch
	canvas := vgsvg.New(width*vg.Length(len(panels)), height)
	whole := draw.New(canvas)
	for i, p := range panels {
		left := width * vg.Length(i)
		p.Draw(draw.Crop(whole, left+margin, left+width-whole.Max.X-margin, margin, -margin))
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_, err = canvas.WriteTo(file)
	return err
}
