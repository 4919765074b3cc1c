package sims

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// column returns the index of a column, or -1.
func (t Table) column(name string) int {
	for i, c := range t.Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

// Select returns the table with the named columns only, in that order; unknown names are left out.
func (t Table) Select(names ...string) Table {
	out := Table{Name: t.Name, Title: t.Title, Rows: make([][]any, len(t.Rows))}
	for _, name := range names {
		i := t.column(name)
		if i < 0 {
			continue
		}
		out.Columns = append(out.Columns, t.Columns[i])
		for r, row := range t.Rows {
			out.Rows[r] = append(out.Rows[r], row[i])
		}
	}
	return out
}

// CSV is the table with a header of column names. Numbers keep every bit; NaN is an empty cell.
func (t Table) CSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	cells := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cells[i] = c.Name
	}
	rows := [][]string{cells}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = csvCell(v)
		}
		rows = append(rows, cells)
	}
	if err := w.WriteAll(rows); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

func csvCell(v any) string {
	f, ok := v.(float64)
	switch {
	case !ok:
		return v.(string)
	case math.IsNaN(f):
		return ""
	case f == math.Trunc(f) && math.Abs(f) < 1<<53:
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// tableJSON is a Table without its methods.
type tableJSON Table

// MarshalJSON writes NaN as null.
func (t Table) MarshalJSON() ([]byte, error) {
	out := tableJSON(t)
	out.Rows = make([][]any, len(t.Rows))
	for r, row := range t.Rows {
		out.Rows[r] = make([]any, len(row))
		for i, v := range row {
			if f, ok := v.(float64); !ok || !math.IsNaN(f) {
				out.Rows[r][i] = v
			}
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON checks every cell against its column.
func (t *Table) UnmarshalJSON(data []byte) error {
	var in tableJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	for r, row := range in.Rows {
		if len(row) != len(in.Columns) {
			return fmt.Errorf("table %s, row %d: %d cells, must be %d", in.Name, r, len(row), len(in.Columns))
		}
		for i, v := range row {
			c := in.Columns[i]
			_, isNumber := v.(float64)
			_, isText := v.(string)
			switch {
			case c.Kind == Number && v == nil:
				row[i] = math.NaN()
			case c.Kind == Number && !isNumber, c.Kind == Text && !isText, c.Kind != Number && c.Kind != Text:
				return fmt.Errorf("table %s, row %d, column %s: %v is not of kind %q", in.Name, r, c.Name, v, c.Kind)
			}
		}
	}
	*t = Table(in)
	return nil
}

// maxTextCell is the width beyond which a text goes on in the next line: with it a table of sources
// stays as wide as those of results.
const maxTextCell = 80

// Terminal lays the table out for people: numbers right-aligned, "-" for NaN, long texts over several lines.
func (t Table) Terminal() string {
	w := table.NewWriter()
	style := table.StyleLight
	style.Options = table.OptionsNoBordersAndSeparators
	style.Options.SeparateHeader = true
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	header := make(table.Row, len(t.Columns))
	configs := make([]table.ColumnConfig, len(t.Columns))
	for i, c := range t.Columns {
		header[i] = heading(c)
		configs[i] = table.ColumnConfig{Number: i + 1, AlignHeader: text.AlignRight, Align: text.AlignRight, VAlignHeader: text.VAlignBottom}
		if c.Kind == Text {
			configs[i].Align, configs[i].AlignHeader = text.AlignLeft, text.AlignLeft
			configs[i].WidthMax, configs[i].WidthMaxEnforcer = maxTextCell, text.WrapSoft
		}
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(header)
	for _, row := range t.Rows {
		cells := make(table.Row, len(row))
		for i, v := range row {
			cells[i] = t.Columns[i].cell(v)
		}
		w.AppendRow(cells)
	}
	lines := strings.Split(w.Render(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// Paragraph breaks a text into lines of at most 120 columns.
func Paragraph(s string) string {
	var lines []string
	for _, l := range strings.Split(text.WrapSoft(s, 120), "\n") {
		lines = append(lines, strings.TrimRight(l, " "))
	}
	return strings.Join(lines, "\n")
}

// heading is a column's title, one word to a line, and its unit.
func heading(c Column) string {
	words := strings.Fields(c.Title)
	if c.Unit == "%" {
		words = append(words, c.Unit)
	} else if c.Unit != "" {
		words = append(words, "["+c.Unit+"]")
	}
	return strings.Join(words, "\n")
}

func (c Column) cell(v any) string {
	f, ok := v.(float64)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case math.IsNaN(f):
		return "-"
	case c.Format == "":
		return formatNumber(f)
	}
	return fmt.Sprintf(c.Format, f)
}
