package cli

import (
	"io"
	"strings"
	"unicode/utf8"
)

// none stands in a cell that has no value.
const none = "-"

// columns is a table as Kafka's tools print it with a format of fixed widths:
// cells padded to the width of their column, a blank between two.
type columns struct {
	// between begins each row with a line end rather than ending it with one,
	// so that an empty line stands before the table.
	between bool
	widths  []int // 0: not padded
	names   []string
	out     strings.Builder
}

// add gives the table a column.
func (c *columns) add(width int, name string) *columns {
	c.widths, c.names = append(c.widths, width), append(c.names, name)
	return c
}

// head writes the names of the columns.
func (c *columns) head() *columns { return c.row(c.names...) }

func (c *columns) row(cells ...string) *columns {
	if c.between {
		c.out.WriteByte('\n')
	}
	for i, cell := range cells {
		if i > 0 {
			c.out.WriteByte(' ')
		}
		c.out.WriteString(cell)
		if pad := c.widths[i] - utf8.RuneCountInString(cell); pad > 0 {
			c.out.WriteString(strings.Repeat(" ", pad))
		}
	}
	if !c.between {
		c.out.WriteByte('\n')
	}
	return c
}

// print writes the table, with the line end that its last row lacks.
func (c *columns) print(w io.Writer) error {
	if c.between {
		c.out.WriteByte('\n')
	}
	_, err := io.WriteString(w, c.out.String())
	return err
}
