package trace

import "iter"

// linkRow is a row of the table of links; see tables.go.
type linkRow struct {
	Run       int32  `parquet:"run,plain"`
	Kind      int32  `parquet:"kind,plain"`
	Color     int32  `parquet:"color,plain"`
	Carries   string `parquet:"carries,plain"`
	Direction string `parquet:"direction,plain"`
	X         int32  `parquet:"x,plain"`
	XStep     int32  `parquet:"x_step,plain"`
	XBlock    int32  `parquet:"x_block,plain"`
	XCount    int32  `parquet:"x_count,plain"`
	Y         int32  `parquet:"y,plain"`
	YStep     int32  `parquet:"y_step,plain"`
	YBlock    int32  `parquet:"y_block,plain"`
	YCount    int32  `parquet:"y_count,plain"`
	Copies    int32  `parquet:"copies,plain"`
	Alike     int32  `parquet:"alike,plain"`
	Links     int64  `parquet:"links,plain"`
	Wavelets  int64  `parquet:"wavelets,plain"`
	More      int64  `parquet:"more_per_row,plain"`
	Stalls    int64  `parquet:"stalls,plain"`
	NoRoom    int64  `parquet:"no_room,plain"`
	Shared    int64  `parquet:"shared_link,plain"`
	Switched  int64  `parquet:"switched,plain"`
	Sum       int64  `parquet:"sum_wavelets,plain"`
	SumStalls int64  `parquet:"sum_stalls,plain"`
}

func (r *Run) linkRows(run int) iter.Seq[linkRow] {
	return func(yield func(linkRow) bool) {
		for k := range r.Kinds {
			for i := range r.Kinds[k].Links {
				l := &r.Kinds[k].Links[i]
				alike := int32(0)
				if l.Alike {
					alike = 1
				}
				if !yield(linkRow{
					int32(run), int32(k), int32(l.Color), l.Carries, string(l.Direction),
					int32(l.X.From), int32(l.X.Step), int32(l.X.Block), int32(l.X.Count),
					int32(l.Y.From), int32(l.Y.Step), int32(l.Y.Block), int32(l.Y.Count),
					int32(l.Copies), alike, l.Links, l.Wavelets, l.More,
					l.Stalls.All, l.Stalls.NoRoom, l.Stalls.Shared, l.Stalls.Switched, l.Sum, l.SumStalls,
				}) {
					return
				}
			}
		}
	}
}

// setTableLinks appends to kinds that the table of cells has made; they must ascend.
func (r *Run) setTableLinks(t *table) bool {
	v, last := t.ints, 0
	for i := range t.rows {
		k, alike := int(v[1][i]), v[14][i]
		if k < last || k >= len(r.Kinds) || alike < 0 || alike > 1 || !r.Links {
			return false
		}
		last = k
		at := func(column int) int { return int(v[column][i]) }
		r.Kinds[k].Links = append(r.Kinds[k].Links, Link{
			Color: at(2), Carries: t.texts[3][i], Direction: Direction(t.texts[4][i]),
			X: Span{at(5), at(6), at(7), at(8)}, Y: Span{at(9), at(10), at(11), at(12)},
			Copies: at(13), Alike: alike == 1, Links: v[15][i], Wavelets: v[16][i], More: v[17][i],
			Stalls: Stalls{v[18][i], v[19][i], v[20][i], v[21][i]}, Sum: v[22][i], SumStalls: v[23][i],
		})
	}
	return true
}

func linkColumns() []column {
	columns := []column{{"run", typeInt32}, {"kind", typeInt32}, {"color", typeInt32}, {"carries", typeBytes}, {"direction", typeBytes}}
	for _, name := range []string{"x", "x_step", "x_block", "x_count", "y", "y_step", "y_block", "y_count", "copies", "alike"} {
		columns = append(columns, column{name, typeInt32})
	}
	for _, name := range []string{"links", "wavelets", "more_per_row", "stalls", "no_room", "shared_link", "switched", "sum_wavelets", "sum_stalls"} {
		columns = append(columns, column{name, typeInt64})
	}
	return columns
}
