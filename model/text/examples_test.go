package text

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write examples/data again")

const exampleData = "../../examples/data"

// venue is a meaning representation of our own data-to-text task. Empty: not said.
type venue struct {
	name, kind, food, area, price, family string
}

func (v venue) String() string {
	var parts []string
	for _, a := range [...][2]string{
		{"name", v.name}, {"type", v.kind}, {"food", v.food}, {"area", v.area}, {"price", v.price},
		{"family friendly", v.family},
	} {
		if a[1] != "" {
			parts = append(parts, a[0]+" : "+a[1])
		}
	}
	return strings.Join(parts, " | ")
}

func drawVenue(draw *rand.Rand) venue {
	pick := func(percent int, values ...string) string {
		v := values[draw.IntN(len(values))]
		if draw.IntN(100) >= percent {
			return ""
		}
		return v
	}
	return venue{
		name: pick(100, "The Copper Kettle", "Blue Heron", "Old Mill", "Golden Pear", "Red Lantern",
			"The Anchor", "Fig and Olive", "Green Door", "Silver Spoon", "The Lark"),
		kind:   pick(100, "pub", "restaurant", "cafe"),
		food:   pick(80, "Italian", "Indian", "French", "Thai", "English", "Greek"),
		area:   pick(75, "city centre", "riverside", "old town", "harbour"),
		price:  pick(60, "cheap", "moderate", "high"),
		family: pick(50, "yes", "no"),
	}
}

// say puts a venue in words: one of four openings, then what is left to say.
func (v venue) say(draw *rand.Rand) string {
	either := func(s ...string) string { return s[draw.IntN(len(s))] }
	place := map[string]string{"": "", "city centre": " in the city centre", "riverside": " by the river",
		"old town": " in the old town", "harbour": " at the harbour"}[v.area]
	adjective := map[string]string{"": "", "cheap": "cheap ", "moderate": "moderately priced ",
		"high": "high priced "}[v.price]
	food := v.food
	if food != "" {
		food += " "
	}
	var first string
	priceSaid := true
	switch plan := draw.IntN(4); {
	case plan == 1 && v.food != "":
		first = v.name + " is a " + v.kind + place + either(" that serves ", " serving ") + food + "food."
		priceSaid = false
	case plan == 2 && v.area != "":
		where := strings.ToUpper(place[1:2]) + place[2:]
		first = where + ", there is " + article(adjective+food+v.kind) + " called " + v.name + "."
	case plan == 2:
		first = "There is " + article(adjective+food+v.kind) + " called " + v.name + "."
	case plan == 3 && v.food != "":
		first = "If you like " + food + "food, try " + v.name + ", " + article(adjective+v.kind) + place + "."
	default:
		first = v.name + " is " + article(adjective+food+v.kind) + place + "."
	}
	var rest []string
	if v.price != "" && !priceSaid {
		rest = append(rest, map[string]string{"cheap": either("It is cheap.", "Prices are low."),
			"moderate": either("It is moderately priced.", "Prices are average."),
			"high":     either("It is expensive.", "Prices are high.")}[v.price])
	}
	switch v.family {
	case "yes":
		rest = append(rest, either("It is family friendly.", "Families are welcome."))
	case "no":
		rest = append(rest, either("It is not family friendly.", "It is for adults only."))
	}
	return strings.Join(append([]string{first}, rest...), " ")
}

func article(s string) string {
	if strings.ContainsRune("AEIOUaeiou", rune(s[0])) {
		return "an " + s
	}
	return "a " + s
}

// restaurants is the whole task: lines of meanings with texts for training, and for
// testing meanings that are not among the former.
func restaurants() (train, test string) {
	draw := rand.New(rand.NewPCG(2023, 10464))
	seen := map[venue]bool{}
	lines := func(meanings, texts int) string {
		var b strings.Builder
		for range meanings {
			v := drawVenue(draw)
			for seen[v] {
				v = drawVenue(draw)
			}
			seen[v] = true
			var said []string
			for tries := 0; len(said) < texts && tries < 40; tries++ {
				if s := v.say(draw); !slices.Contains(said, s) {
					said = append(said, s)
				}
			}
			for _, s := range said {
				fmt.Fprintf(&b, "%s\t%s\n", v, s)
			}
		}
		return b.String()
	}
	return lines(300, 2), lines(60, 3)
}

// TestRestaurants: the files are what the grammar gives, small, and as described.
func TestRestaurants(t *testing.T) {
	train, test := restaurants()
	sets := map[string][]Group{}
	for name, want := range map[string]string{"restaurants.tsv": train, "restaurants-test.tsv": test} {
		path := filepath.Join(exampleData, name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		pairs, err := ReadPairs(path)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParsePairs(path, want)
		if err != nil || !slices.Equal(pairs, parsed) {
			t.Errorf("%s is not what the grammar gives (%v): go test ./model/text -run Restaurants -update", path, err)
		}
		sets[name] = GroupPairs(pairs)
	}
	learnt := map[string]bool{}
	for _, g := range sets["restaurants.tsv"] {
		learnt[g.Prompt] = true
	}
	if len(learnt) != 300 || len(sets["restaurants-test.tsv"]) != 60 {
		t.Errorf("%d and %d meanings", len(learnt), len(sets["restaurants-test.tsv"]))
	}
	for _, g := range sets["restaurants-test.tsv"] {
		if learnt[g.Prompt] {
			t.Errorf("%q is also for training", g.Prompt)
		}
		if len(g.Refs) < 2 || len(g.Refs) > 3 {
			t.Errorf("%q has %d references", g.Prompt, len(g.Refs))
		}
	}
}

// TestExampleCorpus: the corpus is the beginning of tiny Shakespeare, whole speeches.
func TestExampleCorpus(t *testing.T) {
	text, err := ReadText(filepath.Join(exampleData, "corpus.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if len(text) < 100_000 || len(text) > 150_000 || !strings.HasSuffix(text, ".\n") {
		t.Errorf("%d bytes ending in %q", len(text), text[len(text)-20:])
	}
	if !strings.HasPrefix(shared(t, "text/tinyshakespeare/input.txt"), text+"\n") {
		t.Error("is not the beginning of tiny Shakespeare up to a blank line")
	}
}
