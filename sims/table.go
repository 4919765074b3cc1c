package sims

// Kind is how a column's values are read and aligned.
type Kind string

const (
	Number Kind = "number" // float64
	Text   Kind = "text"   // string
)

// Column heads one column of a Table.
type Column struct {
	Name   string `json:"name"`             // as in CSV: lower case, underscores
	Title  string `json:"title"`            // as shown to a person
	Unit   string `json:"unit,omitempty"`   // "cycles", "%", ...
	Kind   Kind   `json:"kind"`             //
	Format string `json:"format,omitempty"` // fmt verb for the terminal, such as "%.2f"; CSV and JSON keep full precision
}

// Table is plain data: one experiment's result, ready to print, draw, compare and store.
// A cell is a float64 (NaN for "no value") or a string, as its column's Kind says.
type Table struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Columns []Column `json:"columns"`
	Rows    [][]any  `json:"rows"`
}
